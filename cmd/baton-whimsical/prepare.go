package main

import "os"

// prepare makes the command line safe before the SDK reads it, and tells what
// this process is there for.
func prepare() (mode, error) {
	arguments, err := safeCreation(os.Args[1:], os.Getenv)
	if err != nil {
		return oneShot, err
	}
	if arguments, err = hideSecrets(arguments, os.Setenv); err != nil {
		return oneShot, err
	}
	file := configurationFile(os.Getenv("BATON_CONFIG_PATH"))
	m := modeOf(arguments, file, os.Getenv)
	if m == oneShot {
		if arguments, err = watchFailures(arguments, file); err != nil {
			return oneShot, err
		}
	}
	os.Args = append(os.Args[:1:1], arguments...)
	return m, nil
}

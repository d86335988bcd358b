package main

import "github.com/spf13/viper"

// configurationFile returns the settings of the configuration file, none where
// there is no file. It is looked for as the SDK does: at BATON_CONFIG_PATH, else as
// .baton in the working directory. What is wrong with it is the SDK's to say.
func configurationFile(path string) *viper.Viper {
	v := viper.New()
	if path != "" {
		v.SetConfigFile(path)
	} else {
		v.SetConfigName(".baton")
		v.SetConfigType("yaml")
		v.AddConfigPath(".")
	}
	if err := v.ReadInConfig(); err != nil {
		return viper.New()
	}
	return v
}

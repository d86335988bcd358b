// Command gen writes conf.gen.go, the struct that the fields of package config are decoded into.
package main

import (
	"github.com/conductorone/baton-sdk/pkg/config"

	cfg "github.com/conductorone/baton-whimsical/pkg/config"
)

func main() {
	config.Generate("whimsical", cfg.Config)
}

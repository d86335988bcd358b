//go:build baton_lambda_support

package main

import "github.com/conductorone/baton-whimsical/pkg/connector"

// lambda are the options of the connector: this build runs in AWS Lambda.
var lambda = []func(*connector.Connector){connector.InLambda}

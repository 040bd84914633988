package main

import (
	"crypto/subtle"

	"hookyard/plugin"
	"hookyard/plugin/verifier"
)

func init() { verifier.Run(verify) }

func main() {}

func verify(request *plugin.Event) verifier.Outcome {
	name, _ := plugin.Config("/secret")
	secret, granted := plugin.Secret(name)
	token, _ := request.Header("x-token")
	// How long the comparison takes must not tell how much of a guess was right.
	if !granted || subtle.ConstantTimeCompare([]byte(token), secret) != 1 {
		return verifier.Rejected("x-token is missing or wrong")
	}
	kind, _ := request.Header("x-kind")
	return verifier.Genuine(kind, "")
}

// Package verifier makes a plugin one that verifies the requests of a source.
package verifier

import (
	"hookyard/plugin"
	export "hookyard/plugin/internal/export_hookyard_plugin_verification"
	"hookyard/plugin/internal/hookyard_plugin_events"
	"hookyard/plugin/internal/hookyard_plugin_verification"
	_ "hookyard/plugin/internal/verification_export" // what the host calls
	"hookyard/plugin/internal/wit/runtime"
	"hookyard/plugin/internal/wit/types"
)

// Outcome is what a request is.
type Outcome = hookyard_plugin_verification.Outcome

// Genuine: from the sender it claims. The kind of event and the sender's id of the delivery may be empty: then the source's
// settings say where they stand.
func Genuine(kind, deliveryID string) Outcome {
	return hookyard_plugin_verification.MakeOutcomeGenuine(hookyard_plugin_verification.Identity{
		Kind:       known(kind),
		DeliveryId: known(deliveryID),
	})
}

// Challenge: a handshake, answered with this response and not stored.
func Challenge(response plugin.Response) Outcome {
	return hookyard_plugin_verification.MakeOutcomeChallenge(response)
}

// Rejected: refused with 401. The reason is for the operator and is not sent.
func Rejected(reason string) Outcome {
	return hookyard_plugin_verification.MakeOutcomeRejected(reason)
}

// Run is called from init, with the function that verifies one request, before it is stored.
func Run(verify func(*plugin.Event) Outcome) {
	export.Verify = func(request *hookyard_plugin_events.Event) Outcome {
		runtime.Begin()
		defer request.Drop()
		defer plugin.TellPanic()
		return verify(plugin.FromHandle(request))
	}
}

func known(text string) types.Option[string] {
	if text == "" {
		return types.None[string]()
	}
	return types.Some(text)
}

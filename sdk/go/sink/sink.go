// Package sink makes a plugin a destination.
package sink

import (
	"hookyard/plugin"
	_ "hookyard/plugin/internal/delivery_export" // what the host calls
	export "hookyard/plugin/internal/export_hookyard_plugin_delivery"
	"hookyard/plugin/internal/hookyard_plugin_delivery"
	"hookyard/plugin/internal/hookyard_plugin_events"
	"hookyard/plugin/internal/hookyard_plugin_types"
	"hookyard/plugin/internal/wit/runtime"
	"hookyard/plugin/internal/wit/types"
)

// Receipt is what is recorded of a delivery that arrived: Status (200 where there is none) and Detail, for the operator.
type Receipt = hookyard_plugin_delivery.Receipt

// Run is called from init, with the function that makes one attempt to deliver a message. Attempts count from 1. After a
// plugin.Retryable failure there is another, on the destination's schedule.
func Run(deliver func(message *plugin.Event, attempt uint32) (Receipt, error)) {
	export.Deliver = func(message *hookyard_plugin_events.Event, attempt uint32) export.Result {
		runtime.Begin()
		defer message.Drop()
		defer plugin.TellPanic()
		receipt, err := deliver(plugin.FromHandle(message), attempt)
		if err != nil {
			return types.Err[Receipt](plugin.FailureOf(err))
		}
		return types.Ok[Receipt, hookyard_plugin_types.Failure](receipt)
	}
}

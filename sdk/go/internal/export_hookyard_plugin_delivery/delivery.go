// Package export_hookyard_plugin_delivery is what the generated glue of the export calls.
package export_hookyard_plugin_delivery

import (
	"hookyard/plugin/internal/hookyard_plugin_delivery"
	"hookyard/plugin/internal/hookyard_plugin_events"
	"hookyard/plugin/internal/hookyard_plugin_types"
	"hookyard/plugin/internal/wit/types"
)

type Result = types.Result[hookyard_plugin_delivery.Receipt, hookyard_plugin_types.Failure]

// Deliver is set by package sink.
var Deliver func(*hookyard_plugin_events.Event, uint32) Result

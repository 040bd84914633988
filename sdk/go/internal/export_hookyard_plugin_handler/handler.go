// Package export_hookyard_plugin_handler is what the generated glue of the export calls.
package export_hookyard_plugin_handler

import (
	"hookyard/plugin/internal/hookyard_plugin_events"
	"hookyard/plugin/internal/hookyard_plugin_handler"
	"hookyard/plugin/internal/hookyard_plugin_types"
	"hookyard/plugin/internal/wit/types"
)

type Result = types.Result[hookyard_plugin_handler.Verdict, hookyard_plugin_types.Failure]

// Process is set by package processor.
var Process func(*hookyard_plugin_events.Event) Result

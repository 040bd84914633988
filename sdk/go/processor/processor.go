// Package processor makes a plugin one that takes part in a route's chain.
package processor

import (
	"hookyard/plugin"
	export "hookyard/plugin/internal/export_hookyard_plugin_handler"
	_ "hookyard/plugin/internal/handler_export" // what the host calls
	"hookyard/plugin/internal/hookyard_plugin_events"
	"hookyard/plugin/internal/hookyard_plugin_types"
	"hookyard/plugin/internal/wit/runtime"
	"hookyard/plugin/internal/wit/types"
)

// Run is called from init, with the function that handles one event. It may run more than once for an event.
func Run(process func(*plugin.Event) (plugin.Verdict, error)) {
	export.Process = func(event *hookyard_plugin_events.Event) export.Result {
		runtime.Begin()
		defer event.Drop()
		defer plugin.TellPanic()
		verdict, err := process(plugin.FromHandle(event))
		if err != nil {
			return types.Err[plugin.Verdict](plugin.FailureOf(err))
		}
		return types.Ok[plugin.Verdict, hookyard_plugin_types.Failure](verdict)
	}
}

// Package lifecycle lets a plugin check its configuration when it is loaded, and say what it does.
package lifecycle

import (
	export "hookyard/plugin/internal/export_hookyard_plugin_lifecycle"
	_ "hookyard/plugin/internal/lifecycle_export" // what the host calls
)

// Run is called from init. Validate gets the plugin's table as JSON text and returns one line for each problem; any fails the
// load. Describe returns one line that says what the plugin does. Neither may call the host, but for its log and Config.
func Run(validate func(config string) []string, describe func() string) {
	export.Validate, export.Describe = validate, describe
}

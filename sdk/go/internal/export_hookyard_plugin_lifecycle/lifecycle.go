// Package export_hookyard_plugin_lifecycle is what the generated glue of the export calls.
package export_hookyard_plugin_lifecycle

// Set by package lifecycle.
var (
	Validate func(config string) []string
	Describe func() string
)

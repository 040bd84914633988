// Lets a plugin check its configuration when it is loaded, and say what it does. To be taken in by one file, which defines
// `validate` and `describe`. Neither may call the host, but for its log and `config_…`.
#pragma once
#include "hookyard.h"

// One line for each problem of the plugin's table, which is given as JSON text; none: it is good. Any problem fails the load.
static texts_t validate(text_t config);
// One line that says what the plugin does.
static text_t describe(void);

void exports_hookyard_plugin_lifecycle_validate(text_t *config, texts_t *problems) { *problems = validate(*config); }
void exports_hookyard_plugin_lifecycle_describe(text_t *line) { *line = describe(); }

#include "exports/lifecycle.h"

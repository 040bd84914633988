module hookyard/plugin

go 1.24

complete --keep-order --exclusive --command mesheryctl --arguments "(MESHERY_COMPLETE=fish mesheryctl -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"

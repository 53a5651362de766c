
set edit:completion:arg-completer[mesheryctl] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) MESHERY_COMPLETE="elvish" mesheryctl -- $@words) | to-lines
}


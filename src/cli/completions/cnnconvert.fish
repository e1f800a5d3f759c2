# Completions of cnnconvert. Generated from the program's tables by src/cli/reference.sh; do not edit.
complete -c cnnconvert -l input -x -a 'bytes float' -d 'ONNX: what the graph reads: bytes (default) or float'
complete -c cnnconvert -l int8 -x -d 'C source: 8-bit integers, with scales from these images'
complete -c cnnconvert -s t -l threads -x -d 'threads (default: all processors); same results for any N'
complete -c cnnconvert -l max-memory -x -d 'limit for memory (default: all of it)'
complete -c cnnconvert -s q -l quiet -d 'errors only'
complete -c cnnconvert -s h -l help -d 'print this'
complete -c cnnconvert -s V -l version -d 'print the version'

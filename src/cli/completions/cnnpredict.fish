# Completions of cnnpredict. Generated from the program's tables by src/cli/reference.sh; do not edit.
complete -c cnnpredict -s f -l format -x -a 'tsv csv jsonl' -d 'tsv (default, no header), csv (with header) or jsonl'
complete -c cnnpredict -l threshold -x -d 'class 1 from this probability on (default: the model'\''s)'
complete -c cnnpredict -l no-sandbox -d 'keep all rights while reading (for debuggers)'
complete -c cnnpredict -s t -l threads -x -d 'threads (default: all processors); same results for any N'
complete -c cnnpredict -l max-memory -x -d 'limit for memory (default: all of it)'
complete -c cnnpredict -s q -l quiet -d 'errors only'
complete -c cnnpredict -s h -l help -d 'print this'
complete -c cnnpredict -s V -l version -d 'print the version'

# Completion of urial-tui in bash, from 3.2 on. Put this into ~/.bashrc: eval "$(urial-tui completion bash)"

_urial_tui_completion() {
    local line=${COMP_LINE:0:COMP_POINT} number word kept kind value
    local -a words
    read -r -a words <<< "$line"
    number=${#words[@]}
    word=
    [[ $line == *[[:space:]] ]] || { number=$((number - 1)); word=${words[number]}; }
    # For bash a word ends at "@", ":" and "=", for the program a side is one: what bash has behind it already, it keeps.
    [[ $word == --*=* ]] && word=${word#*=}
    kept=${word%"$2"}
    COMPREPLY=()
    while IFS=, read -r kind value; do
        [[ $kind == plain ]] && COMPREPLY+=("${value#"$kept"}")
    done < <(COMP_WORDS=$line COMP_CWORD=$number _URIAL_TUI_COMPLETE=bash_complete "$1" 2>/dev/null)
}

# Without an answer, file names. The order is the program's where bash can keep it (4.4 and newer).
complete -o nosort -o default -F _urial_tui_completion urial-tui 2>/dev/null ||
    complete -o default -F _urial_tui_completion urial-tui

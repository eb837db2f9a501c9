# Completion of vif for bash; made by "vif completion bash".
_vif() {
    local current="${COMP_WORDS[COMP_CWORD]}" words=''
    case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}" in
    load\ -c | load\ --connections) words='' ;;
    load\ -d | load\ --duration) words='' ;;
    load\ -n | load\ --requests) words='' ;;
    load\ -r | load\ --rate) words='' ;;
    load\ --pipeline) words='' ;;
    load\ --warm-up) words='' ;;
    load\ --timeout) words='' ;;
    load\ --connect-rate) words='' ;;
    load\ -t | load\ --threads) words='' ;;
    load\ -m | load\ --method) words='' ;;
    load\ -H | load\ --header) words='' ;;
    load\ --body) words='' ;;
    load\ --body-file) COMPREPLY=($(compgen -f -- "$current")); return ;;
    load\ --status) words='' ;;
    load\ --json) COMPREPLY=($(compgen -f -- "$current")); return ;;
    load\ --svg) COMPREPLY=($(compgen -f -- "$current")); return ;;
    lab\ --models) words='' ;;
    lab\ --scenarios) words='' ;;
    lab\ --connections) words='' ;;
    lab\ --duration) words='' ;;
    lab\ --rounds) words='' ;;
    lab\ --out) COMPREPLY=($(compgen -f -- "$current")); return ;;
    lab\ --page) COMPREPLY=($(compgen -f -- "$current")); return ;;
    lab\ --serve) words='' ;;
    lab\ --port) words='' ;;
    *\ -c | *\ --config) COMPREPLY=($(compgen -f -- "$current")); return ;;
    *\ -p | *\ --port) words='' ;;
    *\ -a | *\ --address) words='' ;;
    *\ -w | *\ --workers) words='' ;;
    *\ --backend) words='auto epoll epoll-lt poll select io_uring' ;;
    *\ -i | *\ --index) words='' ;;
    *\ --cache) words='' ;;
    *\ --error-page) words='' ;;
    *\ --log-file) COMPREPLY=($(compgen -f -- "$current")); return ;;
    *\ --log-format) words='common combined json' ;;
    *\ --error-log) COMPREPLY=($(compgen -f -- "$current")); return ;;
    *\ --log-level) words='error warning info debug' ;;
    *\ --limit) words='connections= connections_per_address= head= uri= headers= body= requests_per_connection= cache= cache_file= cache_entries=' ;;
    *\ --timeout) words='head= body= idle= write= linger= drain= min_rate=' ;;
    *\ completion) words='bash zsh' ;;
    *\ manual) words='--man --markdown' ;;
    *)
        if [[ $current == -* ]]; then
            case "${COMP_WORDS[1]}" in
            run) words='--config --port --address --workers --backend --quiet --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
            check) words='--config --port --address --workers --backend --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
            load) words='--connections --duration --requests --rate --pipeline --close --warm-up --timeout --connect-rate --threads --method --header --body --body-file --status --json --svg --help --version' ;;
            lab) words='--quick --models --scenarios --connections --duration --rounds --out --page --list --serve --port --help --version' ;;
            *) words='--port --address --workers --backend --index --spa --clean-urls --no-listing --hidden --follow-links --cors --cache --error-page --quiet --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
            esac
        elif ((COMP_CWORD == 1)); then
            words='serve run check load lab schema manual completion help version'
            COMPREPLY=($(compgen -d -- "$current"))
        else
            COMPREPLY=($(compgen -f -- "$current"))
        fi
        ;;
    esac
    COMPREPLY+=($(compgen -W "$words" -- "$current"))
    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
    return 0
}
complete -o filenames -F _vif vif

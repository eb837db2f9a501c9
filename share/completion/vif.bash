# Completion of vif for bash; made by "vif completion bash".
_vif_files() {
    mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
_vif() {
    local current="${COMP_WORDS[COMP_CWORD]}" command=serve commas='' words='' before=''
    local previous="${COMP_WORDS[COMP_CWORD - 1]}"
    # --name=value is three words here.
    [[ $current == '=' ]] && current=''
    [[ $previous == '=' ]] && previous="${COMP_WORDS[COMP_CWORD - 2]}"
    COMPREPLY=()
    case "${COMP_WORDS[1]}" in
    serve | proxy | run | check | reload | upgrade | status | top | stop | reopen | upstream | hardening | load | lab | cert | password | schema | manual | completion | help | version) ((COMP_CWORD > 1)) && command="${COMP_WORDS[1]}" ;;
    esac
    case "$command $previous" in
    serve\ -p | serve\ --port) words='' ;;
    serve\ -a | serve\ --address) words='' ;;
    serve\ --cert) _vif_files -f; return ;;
    serve\ --key) _vif_files -f; return ;;
    serve\ -w | serve\ --workers) words='' ;;
    serve\ --backend) words='auto epoll epoll-lt poll select io_uring' ;;
    serve\ --user) words='' ;;
    serve\ -i | serve\ --index) words='' ;;
    serve\ --cache) words='' ;;
    serve\ --error-page) words='' ;;
    serve\ --log-file) _vif_files -f; return ;;
    serve\ --log-format) words='common combined json' ;;
    serve\ --error-log) _vif_files -f; return ;;
    serve\ --log-level) words='error warning info debug' ;;
    serve\ --limit) words='connections= connections_per_address= head= uri= headers= body= requests_per_connection= cache= cache_file= cache_entries= hello= handshake=' ;;
    serve\ --timeout) words='handshake= head= body= idle= write= linger= drain= min_rate=' ;;
    proxy\ -p | proxy\ --port) words='' ;;
    proxy\ -a | proxy\ --address) words='' ;;
    proxy\ --cert) _vif_files -f; return ;;
    proxy\ --key) _vif_files -f; return ;;
    proxy\ -w | proxy\ --workers) words='' ;;
    proxy\ --backend) words='auto epoll epoll-lt poll select io_uring' ;;
    proxy\ --user) words='' ;;
    proxy\ --log-file) _vif_files -f; return ;;
    proxy\ --log-format) words='common combined json' ;;
    proxy\ --error-log) _vif_files -f; return ;;
    proxy\ --log-level) words='error warning info debug' ;;
    proxy\ --limit) words='connections= connections_per_address= head= uri= headers= body= requests_per_connection= cache= cache_file= cache_entries= hello= handshake=' ;;
    proxy\ --timeout) words='handshake= head= body= idle= write= linger= drain= min_rate=' ;;
    run\ -c | run\ --config) _vif_files -f; return ;;
    run\ -p | run\ --port) words='' ;;
    run\ -a | run\ --address) words='' ;;
    run\ -w | run\ --workers) words='' ;;
    run\ --backend) words='auto epoll epoll-lt poll select io_uring' ;;
    run\ --user) words='' ;;
    run\ --log-file) _vif_files -f; return ;;
    run\ --log-format) words='common combined json' ;;
    run\ --error-log) _vif_files -f; return ;;
    run\ --log-level) words='error warning info debug' ;;
    run\ --limit) words='connections= connections_per_address= head= uri= headers= body= requests_per_connection= cache= cache_file= cache_entries= hello= handshake=' ;;
    run\ --timeout) words='handshake= head= body= idle= write= linger= drain= min_rate=' ;;
    check\ -c | check\ --config) _vif_files -f; return ;;
    check\ -p | check\ --port) words='' ;;
    check\ -a | check\ --address) words='' ;;
    check\ -w | check\ --workers) words='' ;;
    check\ --backend) words='auto epoll epoll-lt poll select io_uring' ;;
    check\ --user) words='' ;;
    check\ --log-file) _vif_files -f; return ;;
    check\ --log-format) words='common combined json' ;;
    check\ --error-log) _vif_files -f; return ;;
    check\ --log-level) words='error warning info debug' ;;
    check\ --limit) words='connections= connections_per_address= head= uri= headers= body= requests_per_connection= cache= cache_file= cache_entries= hello= handshake=' ;;
    check\ --timeout) words='handshake= head= body= idle= write= linger= drain= min_rate=' ;;
    reload\ -c | reload\ --config) _vif_files -f; return ;;
    reload\ --pid) words='' ;;
    reload\ --watch) words='' ;;
    upgrade\ -c | upgrade\ --config) _vif_files -f; return ;;
    upgrade\ --pid) words='' ;;
    upgrade\ --binary) _vif_files -f; return ;;
    upgrade\ --timeout) words='' ;;
    status\ -c | status\ --config) _vif_files -f; return ;;
    status\ --pid) words='' ;;
    top\ -c | top\ --config) _vif_files -f; return ;;
    top\ --pid) words='' ;;
    top\ --interval) words='' ;;
    stop\ -c | stop\ --config) _vif_files -f; return ;;
    stop\ --pid) words='' ;;
    reopen\ -c | reopen\ --config) _vif_files -f; return ;;
    reopen\ --pid) words='' ;;
    upstream\ -c | upstream\ --config) _vif_files -f; return ;;
    upstream\ --pid) words='' ;;
    upstream\ --route) words='' ;;
    upstream\ --weight) words='' ;;
    upstream\ --connections) words='' ;;
    hardening\ --pid) words='' ;;
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
    load\ --body-file) _vif_files -f; return ;;
    load\ --status) words='' ;;
    load\ --json) _vif_files -f; return ;;
    load\ --svg) _vif_files -f; return ;;
    lab\ --models) words='one fork threads thread-pool prefork spin select poll epoll-level epoll-edge kqueue libevent libuv libev io-uring shared exclusive reuseport workers epoll-mt offload coroutines epoll-veth af-xdp dpdk' commas=1 ;;
    lab\ --scenarios) words='throughput idle mostly-idle slow blocking limit' commas=1 ;;
    lab\ --connections) words='' ;;
    lab\ --duration) words='' ;;
    lab\ --rounds) words='' ;;
    lab\ --out) _vif_files -f; return ;;
    lab\ --page) _vif_files -f; return ;;
    lab\ --serve) words='one fork threads thread-pool prefork spin select poll epoll-level epoll-edge kqueue libevent libuv libev io-uring shared exclusive reuseport workers epoll-mt offload coroutines epoll-veth af-xdp dpdk' ;;
    lab\ --port) words='' ;;
    cert\ --ca) _vif_files -f; return ;;
    *)
        case "$command $current" in
        serve\ -*) words='--port --address --tls --cert --key --workers --backend --user --index --spa --clean-urls --no-listing --archives --hidden --follow-links --cors --cache --error-page --quiet --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
        proxy\ -*) words='--port --address --tls --cert --key --workers --backend --user --quiet --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
        run\ -*) words='--config --port --address --workers --backend --user --quiet --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
        check\ -*) words='--config --port --address --workers --backend --user --log-file --log-format --error-log --log-level --limit --timeout --help --version' ;;
        reload\ -*) words='--config --pid --watch --help --version' ;;
        upgrade\ -*) words='--config --pid --binary --timeout --help --version' ;;
        status\ -*) words='--config --pid --json --help --version' ;;
        top\ -*) words='--config --pid --once --interval --help --version' ;;
        stop\ -*) words='--config --pid --now --no-wait --help --version' ;;
        reopen\ -*) words='--config --pid --help --version' ;;
        upstream\ -*) words='--config --pid --json --route --weight --connections --backup --help --version' ;;
        hardening\ -*) words='--pid --json --help --version' ;;
        load\ -*) words='--connections --duration --requests --rate --pipeline --close --warm-up --timeout --connect-rate --threads --method --header --body --body-file --status --json --svg --help --version' ;;
        lab\ -*) words='--quick --models --scenarios --connections --duration --rounds --out --page --list --serve --port --help --version' ;;
        cert\ -*) words='--ca --help --version' ;;
        password\ -*) words='--help --version' ;;
        schema\ -*) words='--help --version' ;;
        manual\ -*) words='--man --markdown --help --version' ;;
        completion\ -*) words='--help --version' ;;
        help\ -*) words='--help --version' ;;
        version\ -*) words='--help --version' ;;
        serve\ *)
            _vif_files -f
            ((COMP_CWORD == 1)) && words='serve proxy run check reload upgrade status top stop reopen upstream hardening load lab cert password schema manual completion help version'
            ;;
        run\ * | check\ *) _vif_files -f ;;
        lab\ *) _vif_files -d ;;
        cert\ *) words='list issue renew remove' ;;
        completion\ *) words='bash zsh' ;;
        help\ *) words='serve proxy run check reload upgrade status top stop reopen upstream hardening load lab cert password schema manual completion help version' ;;
        esac
        ;;
    esac
    if [[ $commas && $current == *,* ]]; then
        before="${current%,*},"
        current="${current##*,}"
    fi
    COMPREPLY+=($(compgen -P "$before" -W "$words" -- "$current"))
    [[ $commas || ${COMPREPLY[*]} == *= ]] && compopt -o nospace
    return 0
}
complete -o filenames -F _vif vif

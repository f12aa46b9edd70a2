# SPDX-License-Identifier: MIT
# Completion for pagewalk(1) in bash.

_pagewalk()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} subcommand= word i
    local walk="--format --root --cpu --view --kernel --encryption-bit --prefix --cr4 --pat --mair --tcr --json"
    local options="--help --usage"

    # Bash splits --view=linux into three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word != -* ]]; then
            subcommand=$word
            break
        fi
    done
    COMPREPLY=()
    if [[ -z $subcommand ]]; then
        COMPREPLY=($(compgen -W "info map translate explain read find check cut lab formats --help --version" -- "$current"))
        return
    fi
    case $previous in
    --format)
        COMPREPLY=($(compgen -W "arm64 $(pagewalk formats 2>/dev/null | sed -n '2,$s/ .*//p')" -- "$current")
            $(compgen -f -X '!*.pwf' -- "$current"))
        return ;;
    --view)
        COMPREPLY=($(compgen -W "hardware linux" -- "$current"))
        return ;;
    --walk)
        COMPREPLY=($(compgen -W "fast pagewalk" -- "$current"))
        return ;;
    --style)
        COMPREPLY=($(compgen -W "static mode value reindex" -- "$current"))
        return ;;
    --model)
        COMPREPLY=($(compgen -W "sc tso both weak" -- "$current"))
        return ;;
    --neighbour)
        COMPREPLY=($(compgen -W "entry none" -- "$current"))
        return ;;
    --output|-o|--resume|--svg|--html|--source)
        COMPREPLY=($(compgen -f -- "$current"))
        return ;;
    --root|--cpu|--kernel|--encryption-bit|--prefix|--cr4|--pat|--mair|--tcr|--limit|--space|--range|--label|--width|--rows|--levels|--strategy|--mutant|--replay|--sample|--seed|--bound|--runs|--seconds|--jobs|--cc|--cflags|--libs)
        return ;;
    esac
    case $subcommand in
    info|formats) options+=" --json" ;;
    map) options+=" $walk --writable --read-only --executable --wx --user --kernel-only --huge --uncached --holes --expand" ;;
    translate) options+=" $walk" ;;
    explain) options+=" $walk --svg --html --ascii --width --rows" ;;
    read) options+=" $walk --raw --output" ;;
    find) options+=" $walk --aliases --limit" ;;
    check) options+=" $walk --limit" ;;
    cut) options+=" $walk --space --range --label" ;;
    lab)
        if [[ $previous == lab ]]; then
            COMPREPLY=($(compgen -W "fold list run linux --help" -- "$current"))
            return
        fi
        options+=" $walk --strategy --walk --levels --style --neighbour --source --rows --svg --html"
        options+=" --list --model --trace --seconds --jobs --cc --cflags --libs"
        options+=" --all --mutants --mutant --replay --resume --sample --seed --jobs --bound --runs --stacks"
        if [[ $previous == run && $current != -* ]]; then
            compopt -o filenames 2>/dev/null
            COMPREPLY=($(compgen -W "$(pagewalk lab list 2>/dev/null | sed 's/ .*//')" -- "$current")
                $(compgen -f -X '!*.scene' -- "$current"))
            return
        fi ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}

complete -F _pagewalk pagewalk

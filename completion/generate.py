#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the completions for bash, zsh and fish, from what the tool itself says in its help.

usage: generate.py PAGEWALK SAMPLES OUTPUT    (SAMPLES: the folder of the images; OUTPUT: named as the shell wants it)
"""
import pathlib
import re
import subprocess
import sys
import typing

# Values of options that their help does not list. Others take a file if their value is called so, else nothing is offered.
VALUES = {
    "format": "@formats", "cpu": "@cpus", "root": "kernel", "view": "hardware linux", "walk": "fast pagewalk",
    "style": "static mode value reindex", "model": "sc tso both weak", "neighbour": "entry none", "strategy": "a b c d e d2020",
    "source": "@sources", "output": "@files", "resume": "@files",
}
# What subcommands take in place of a source.
OPERANDS = {"formats": "", "sim": "@scripts", "lab fold": "", "lab list": "", "lab run": "@scenarios", "lab linux": "@files"}


class Option(typing.NamedTuple):
    letter: str     # "" if it has none
    name: str
    value: str      # what its value is called, or ""
    what: str

    def values(self):
        """Words with blanks between them, "@..." for what the shell finds out, or "" for nothing."""
        if self.name in VALUES:
            return VALUES[self.name]
        if "|" in self.value:
            return " ".join(word for word in re.split(r"[|\[\]]", self.value) if word.islower())
        return "@files" if re.search("FILE|FOLDER|DIR|TREE|OUTPUT", self.value) else ""


class Subcommand(typing.NamedTuple):
    name: str
    what: str
    options: list
    operand: str


def say(tool, *words):
    done = subprocess.run([tool, *words], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else ""


def sentence(text):
    """The first sentence or so, for one line of a menu."""
    text = re.split(r"[.;:(\[]", " ".join(text.split()))[0].strip()
    return text[:70].rsplit(" ", 1)[0] if len(text) > 70 else text


def options_of(text):
    """The options in a help text, of argp or of Python: a letter, a name, a value, and words over several lines."""
    found = []
    for match in re.finditer(r"(?m)^ {2,8}(?:-(\w), )?--([a-z][a-z0-9-]*)(?:\[?=(\S+)| ([A-Z{]\S*))?(.*(?:\n {20,}\S.*)*)", text):
        letter, name, value, spaced, what = match.groups()
        found.append(Option(letter or "", name, value or spaced or "", sentence(what)))
    found.append(Option("", "help", "", "Say what it does and which options it has"))
    return list({option.name: option for option in found}.values())


def subcommands(tool):
    found = []
    for name, what in re.findall(r"(?m)^  ([a-z]+) {1,9}[A-Z\[ ].{19} (\S.*)$", say(tool, "--help")):
        inner = re.findall(r"(?m)^  ([a-z]+) {2,}(\S.*)$", say(tool, "lab", "--help")) if name == "lab" else []
        for word, words in inner:
            full = f"{name} {word}"
            found.append(Subcommand(full, sentence(words), options_of(say(tool, name, word, "--help")), OPERANDS.get(full, "@sources")))
        options = options_of(say(tool, name, "--help")) if not inner else options_of("")
        found.append(Subcommand(name, sentence(what), options, OPERANDS.get(name, "@sources")))
    if not found:
        sys.exit(f"generate.py: the help of {tool} lists no subcommands")
    return found


def formats_of(tool):
    return ["arm64", *(line.split()[0] for line in say(tool, "formats").splitlines()[1:])]


def samples_of(folder):
    return sorted(path.name.removesuffix(".elf.xz") for path in pathlib.Path(folder).glob("*.elf.xz"))


def top(found):
    return [(one.name, one.what) for one in found if " " not in one.name] + [("help", "Say what a subcommand does")]


# ---- bash ----

BASH = r"""# Completion for pagewalk(1) in bash. Written by completion/generate.py.

# The CPUs of the source among the words, as `--cpu' takes them.
_pagewalk_cpus()
{
    local word
    for word in "${words[@]:2}"; do
        if [[ -f $word || $word == sample:* ]]; then
            pagewalk info --json "$word" 2>/dev/null | sed -n 's/^{"line":\([0-9]*\),.*/\1/p'
            return
        fi
    done
}

# Sources, after which `:' is a part of the word although bash splits there.
_pagewalk_sources()
{
    local prefix=${current%"${current##*:}"}
    COMPREPLY=($(compgen -W "@SAMPLES@" -- "$current"))
    if [[ -n $prefix ]]; then
        COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
        [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "${current##*:}"))
        return
    fi
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$current"))
}

_pagewalk_values()
{
    case $1 in
    @files)
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$current")) ;;
    @formats)
        COMPREPLY=($(compgen -W "any @FORMATS@" -- "$current") $(compgen -f -X '!*.pwf' -- "$current")) ;;
    @cpus)
        COMPREPLY=($(compgen -W "kernel $(_pagewalk_cpus)" -- "$current")) ;;
    @sources)
        _pagewalk_sources ;;
    @scripts)
        COMPREPLY=($(compgen -W "$(pagewalk sim --list 2>/dev/null | sed 's/ .*//')" -- "$current")
            $(compgen -f -X '!*.sim' -- "$current")) ;;
    @scenarios)
        COMPREPLY=($(compgen -W "$(pagewalk lab list 2>/dev/null | sed 's/ .*//')" -- "$current")
            $(compgen -f -X '!*.scene' -- "$current")) ;;
    *)
        COMPREPLY=($(compgen -W "$1" -- "$current")) ;;
    esac
}

_pagewalk()
{
    local words=() word subcommand= current previous i
    # Bash splits words at `=' and `:'.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 1)) && [[ $word == : || ${words[-1]} == *: ]]; then
            words[-1]+=$word
        elif ((i > 1)) && [[ $word == = ]]; then
            ((i < COMP_CWORD)) || words+=("")
        else
            words+=("$word")
        fi
    done
    current=${words[-1]} previous=${words[-2]}
    COMPREPLY=()
    subcommand=${words[1]}
    if ((${#words[@]} == 2)); then
        COMPREPLY=($(compgen -W "@SUBCOMMANDS@ --help --version" -- "$current"))
        return
    fi
    if [[ $subcommand == lab ]]; then
        if ((${#words[@]} == 3)); then
            COMPREPLY=($(compgen -W "@LAB@ --help" -- "$current"))
            return
        fi
        subcommand="lab ${words[2]}"
    fi
    case $subcommand:$previous in
@VALUES@
    esac
    if [[ $current == -* ]]; then
        case $subcommand in
@OPTIONS@
        esac
        return
    fi
    case $subcommand in
    help) COMPREPLY=($(compgen -W "@SUBCOMMANDS@" -- "$current")) ;;
@OPERANDS@
    esac
}

complete -F _pagewalk pagewalk
"""


def bash(found, formats, samples):
    values, options, operands = [], [], []
    for one in found:
        if one.name == "lab":
            continue
        name = f"'{one.name}'"
        for option in one.options:
            if option.value:
                words = f"'{one.name}':--{option.name}" + (f"|'{one.name}':-{option.letter}" if option.letter else "")
                values.append(f"    {words}) _pagewalk_values '{option.values()}'; return ;;")
        options.append(f"        {name}) COMPREPLY=($(compgen -W \"{' '.join('--' + o.name for o in one.options)}\" -- \"$current\")) ;;")
        if one.operand:
            operands.append(f"    {name}) _pagewalk_values '{one.operand}' ;;")
    return (BASH.replace("@VALUES@", "\n".join(values)).replace("@OPTIONS@", "\n".join(options)).replace("@OPERANDS@", "\n".join(operands))
            .replace("@SUBCOMMANDS@", " ".join(name for name, _ in top(found))).replace("@FORMATS@", " ".join(formats))
            .replace("@LAB@", " ".join(one.name[4:] for one in found if " " in one.name))
            .replace("@SAMPLES@", " ".join("sample:" + name for name in samples)))


# ---- zsh ----

ZSH = r"""#compdef pagewalk
# Completion for pagewalk(1) in zsh. Written by completion/generate.py.

_pagewalk_formats() {
    compadd -- any @FORMATS@
    _files -g '*.pwf'
}

# The CPUs of the source among the words, as `--cpu' takes them.
_pagewalk_cpus() {
    local word
    compadd -- kernel
    for word in ${words[2,-1]}; do
        if [[ -f $word || $word == sample:* ]]; then
            compadd -- $(pagewalk info --json $word 2>/dev/null | sed -n 's/^{"line":\([0-9]*\),.*/\1/p')
            return
        fi
    done
}

_pagewalk_sources() {
    compadd -- @SAMPLES@
    _files
}

_pagewalk_scripts() {
    compadd -- $(pagewalk sim --list 2>/dev/null | sed 's/ .*//')
    _files -g '*.sim'
}

_pagewalk_scenarios() {
    compadd -- $(pagewalk lab list 2>/dev/null | sed 's/ .*//')
    _files -g '*.scene'
}

_pagewalk_subcommands() {
    local -a all=(
@SUBCOMMANDS@
    )
    _describe subcommand all
}

_pagewalk() {
    local subcommand=${words[2]} ret=1
    if ((CURRENT == 2)); then
        _pagewalk_subcommands && ret=0
        compadd -- --help --version && ret=0
        return ret
    fi
    shift words
    ((CURRENT--))
    if [[ $subcommand == lab ]]; then
        if ((CURRENT == 2)); then
            local -a all=(
@LAB@
            )
            _describe command all
            return
        fi
        subcommand="lab ${words[2]}"
        shift words
        ((CURRENT--))
    fi
    case $subcommand in
    help) _pagewalk_subcommands ;;
@CASES@
    esac
}

_pagewalk "$@"
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_values(values):
    if values in ("", "@files"):
        return {"": " ", "@files": "_files"}[values]
    return "_pagewalk_" + values[1:] if values[0] == "@" else f"({values})"


def zsh(found, formats, samples):
    def described(pairs, pad):
        return "\n".join(pad + quoted(f"{name}:{what}") for name, what in pairs)

    cases = []
    for one in found:
        if one.name == "lab":
            continue
        specs = []
        for option in one.options:
            what = option.what.replace("]", ")").replace(":", ",")
            end = f"=[{what}]:{option.value.lower().replace(':', ' ') or 'value'}:{zsh_values(option.values())}" if option.value else f"[{what}]"
            specs.append(quoted(f"*--{option.name}{end}"))
            if option.letter:
                specs.append(quoted(f"*-{option.letter}{end.replace('=', '+', 1) if option.value else end}"))
        if one.operand:
            specs.append(quoted(f"*:operand:{zsh_values(one.operand)}"))
        cases.append(f"    {quoted(one.name)})\n        _arguments -s \\\n            " + " \\\n            ".join(specs) + " ;;")
    lab = [(one.name[4:], one.what) for one in found if " " in one.name]
    return (ZSH.replace("@SUBCOMMANDS@", described(top(found), "        ")).replace("@LAB@", described(lab, "                "))
            .replace("@CASES@", "\n".join(cases)).replace("@FORMATS@", " ".join(formats))
            .replace("@SAMPLES@", " ".join("sample:" + name for name in samples)))


# ---- fish ----

FISH = r"""# Completion for pagewalk(1) in fish. Written by completion/generate.py.

# Is this the subcommand (of lab, with its command)?
function __pagewalk_is
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $words) -ge $last; or return 1
    set -l typed $words[2..$last]
    test "$typed" = "$argv"
end

function __pagewalk_first
    test (count (commandline -opc)) -eq 1
end

function __pagewalk_lab_first
    set -l words (commandline -opc)
    test (count $words) -eq 2; and test "$words[2]" = lab
end

# The CPUs of the source among the words, as `--cpu' takes them.
function __pagewalk_cpus
    echo kernel
    for word in (commandline -opc)[3..]
        if test -f $word; or string match -q 'sample:*' -- $word
            pagewalk info --json $word 2>/dev/null | string replace -rf '^\{"line":([0-9]+),.*' '$1'
            return
        end
    end
end

function __pagewalk_formats
    printf '%s\n' any @FORMATS@
    __fish_complete_suffix .pwf
end

function __pagewalk_sources
    printf '%s\n' @SAMPLES@
end

function __pagewalk_scripts
    pagewalk sim --list 2>/dev/null | string replace -r ' .*' ''
    __fish_complete_suffix .sim
end

function __pagewalk_scenarios
    pagewalk lab list 2>/dev/null | string replace -r ' .*' ''
    __fish_complete_suffix .scene
end

complete -c pagewalk -f
@LINES@
"""


def fish(found, formats, samples):
    lines = []

    def add(condition, *words):
        lines.append(" ".join(["complete -c pagewalk -n", quoted(condition), *words]))

    def described(condition, pairs):
        for name, what in pairs:
            add(condition, "-a", name, "-d", quoted(what))

    described("__pagewalk_first", top(found))
    described("__pagewalk_is help", top(found)[:-1])
    add("__pagewalk_first", "-l help")
    add("__pagewalk_first", "-l version")
    described("__pagewalk_lab_first", [(one.name[4:], one.what) for one in found if " " in one.name])
    for one in found:
        if one.name == "lab":
            continue
        condition = f"__pagewalk_is {one.name}"
        for option in one.options:
            words = [f"-l {option.name}"] + ([f"-s {option.letter}"] if option.letter else [])
            values = option.values()
            if option.value and values in ("@files", "@sources"):
                words.append("-r -F" + (" -a '(__pagewalk_sources)'" if values == "@sources" else ""))
            elif option.value:
                words.append("-x" + (f" -a '(__pagewalk_{values[1:]})'" if values.startswith("@") else f" -a '{values}'" if values else ""))
            add(condition, *words, "-d", quoted(option.what))
        if one.operand:
            add(condition, "-F" if one.operand in ("@files", "@sources") else "", *([] if one.operand == "@files" else [f"-a '(__pagewalk_{one.operand[1:]})'"]))
    return (FISH.replace("@LINES@", "\n".join(lines)).replace("@FORMATS@", " ".join(formats))
            .replace("@SAMPLES@", " ".join("sample:" + name for name in samples)))


def main():
    tool, folder, output = sys.argv[1:]
    write = {"pagewalk": bash, "_pagewalk": zsh, "pagewalk.fish": fish}[pathlib.Path(output).name]
    text = write(subcommands(tool), formats_of(tool), samples_of(folder))
    pathlib.Path(output).write_text(text)


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# Judges a pull request with `assize diff`. The steps of action.yml beside this file, without GitHub: needs bash and the program.
#
# Input, all by environment, since text of a pull request must never become part of a script:
#   INPUT_PROGRAM            assize: a path outside of the checkout, or a name to be found in PATH
#   INPUT_BASE               the version before; what it has in common with the head is compared
#   INPUT_HEAD               the version after; a commit, so that nothing that lies about in the work tree counts
#   INPUT_WORKING_DIRECTORY  the folder of the estate, within the checkout
#   INPUT_FAIL_ON, INPUT_GATE, INPUT_POLICIES, INPUT_AS_OF   as the flags of the same name; empty: as without the flag
#   GITHUB_WORKSPACE, RUNNER_TEMP, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY   as GitHub sets them; the last two may be absent
# Output:
#   annotations on standard output, the job summary, and assize.sarif and assize.md in $RUNNER_TEMP/assize; the names of those
#   that were written, and the exit code, in GITHUB_OUTPUT.
# Ends with the exit code of the program, and with 2 if it could not be run or left no report.
set -euo pipefail

# refuse MESSAGE: ends the run. A message of ours quotes no input, so it cannot hold a workflow command.
refuse() {
    printf '::error title=assize::%s\n' "$1"
    exit 2
}

base=${INPUT_BASE:-}
head=${INPUT_HEAD:-HEAD}
temporary=${RUNNER_TEMP:-}

[ -n "$base" ] || refuse 'there is no version to compare with: the event is no pull request, so say one as base'
[ -n "$temporary" ] || refuse 'RUNNER_TEMP is not set'
workspace=$(cd -P -- "${GITHUB_WORKSPACE:-.}" && pwd) || refuse 'GITHUB_WORKSPACE is no folder'
program=$(type -P -- "${INPUT_PROGRAM:-assize}") || refuse 'the program is not there: set program, or put assize in PATH'

# A relative name is one of the checkout as well; a link is followed, and so is each folder on the way.
folder=$(cd -P -- "$(dirname -- "$program")" && pwd)
case $folder/ in
    "$workspace"/*) refuse 'the program lies in the checkout, where a pull request can replace it: put it elsewhere' ;;
esac
program=$folder/$(basename -- "$program")

# A pull request can make a link of any folder of the checkout.
cd -P -- "$workspace/${INPUT_WORKING_DIRECTORY:-.}" || refuse 'working-directory is no folder of the checkout'
case $PWD/ in
    "$workspace"/*) ;;
    *) refuse 'working-directory leads out of the checkout' ;;
esac

# So it can of the rules, if they are taken from there as they lie; `FOLDER@REV` names a commit, which stays as it is.
if [ -d "${INPUT_POLICIES:-}" ]; then
    policies=$(cd -P -- "$INPUT_POLICIES" && pwd)
    case $policies/ in
        "$workspace"/*) refuse 'the policies lie in the checkout, where a pull request can change them: say base, or FOLDER@REV' ;;
    esac
fi

# What an earlier step left behind is not taken for the report of this one.
reports=$temporary/assize
rm -rf -- "$reports"
mkdir -p -- "$reports"

arguments=(-o github -o "sarif=$reports/assize.sarif" -o "markdown=$reports/assize.md")
[ -z "${INPUT_FAIL_ON:-}" ] || arguments+=("--fail-on=$INPUT_FAIL_ON")
[ -z "${INPUT_GATE:-}" ] || arguments+=("--gate=$INPUT_GATE")
[ -z "${INPUT_POLICIES:-}" ] || arguments+=("--policies=$INPUT_POLICIES")
[ -z "${INPUT_AS_OF:-}" ] || arguments+=("--as-of=$INPUT_AS_OF")

# The program takes flags from variables as well. What judges a pull request stands here alone.
for name in "${!ASSIZE_@}"; do
    unset "$name"
done

# What the two have in common: else what was merged meanwhile would show as undone by the pull request.
case $base in
    *...) ;;
    *) base=$base... ;;
esac

code=0
"$program" diff "${arguments[@]}" -- "$base" "$head" || code=$?

output() {
    [ -z "${GITHUB_OUTPUT:-}" ] || printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}
for report in sarif:assize.sarif markdown:assize.md; do
    file=$reports/${report#*:}
    if [ -s "$file" ]; then
        output "${report%%:*}" "$file"
    elif [ "$code" -lt 2 ]; then
        # A pass without a report is none.
        code=2
    fi
done
output exit-code "$code"
exit "$code"

# Writes one state of the clinic, as commands of `git fast-import`, from today's files and from how they were (see make).
#
# Variables: day (of the commit), kept (the day on which records were last brought up to date), branch (the side branch that is written,
# or nothing), folder (today's clinic), once (the folder of what was there only for a time).
# Input: first the table of changes, then the files. An entry of the table that finds nothing to change ends the run.

function fail(text) { print "state of " day ": " text > "/dev/stderr"; failed = 1; exit 1 }

function trim(text) { sub(/^[ \t]+/, "", text); sub(/[ \t]+$/, "", text); return text }

function indent_of(line) { match(line, /^ */); return RLENGTH }

# The day a number of months before, at the same day of the month (at most the 28th).
function months_before(date, months,    year, month, monthday) {
    year = substr(date, 1, 4) + 0
    month = substr(date, 6, 2) - months
    monthday = substr(date, 9, 2) + 0
    while (month < 1) { month += 12; year-- }
    if (monthday > 28) monthday = 28
    return sprintf("%04d-%02d-%02d", year, month, monthday)
}

function is_leap(year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 }

# Three days before.
function days_before(date,    year, month, monthday) {
    year = substr(date, 1, 4) + 0
    month = substr(date, 6, 2) + 0
    monthday = substr(date, 9, 2) - 3
    if (monthday < 1) {
        if (--month < 1) { month = 12; year-- }
        monthday += month == 2 ? 28 + is_leap(year) : 30 + (month ~ /^(1|3|5|7|8|10|12)$/)
    }
    return sprintf("%04d-%02d-%02d", year, month, monthday)
}

# How many months lie between two dates of a record, a little less than it may take, so that no review is late unless the story says so;
# zero for every few days, and less for a date that says when something has to be, not when it was.
function cadence(key) {
    if (key ~ /^(lastUsedOn|lastPatchedOn|lastMeasuredOn|lastInspectedOn|lastRotatedOn|statusOn)$/) return 0
    if (key == "lastPurgeOn") return 2
    if (key ~ /^(accessListReviewedOn|ruleSetReviewedOn|offsiteReviewedOn|lastInventoryOn)$/) return 5
    if (key == "notBefore" || key == "nextDue" || key == "rotationDue") return 11
    if (key == "dueOn" || key !~ /(On|At|on)$/) return -1
    if (kind == "Metric") return 0
    if (kind == "Evidence" && name ~ /-20[0-9][0-9]-[01][0-9]$/) return 1
    if (kind == "Assessment" && name ~ /-q[1-4]$/) return 2
    if (kind == "AccessReview" || name ~ /^(segmentation|inventory)-/) return 5
    return 11
}

# A record that was kept up by then cannot name a later day.
function aged(text,    rest, out, key, date, months, before) {
    out = ""; rest = text
    while (match(rest, /[A-Za-z]+'?: '?20[0-9][0-9]-[01][0-9]-[0-3][0-9]/)) {
        key = substr(rest, RSTART, RLENGTH)
        date = substr(key, length(key) - 9)
        sub(/'?:.*/, "", key)
        months = cadence(key)
        # What is due a year after it was done goes back with it.
        before = key == "nextDue" || key == "rotationDue" ? 12 : 0
        if (months == 0) while (date > kept) date = days_before(date)
        if (months > 0) while (months_before(date, before) > kept) date = months_before(date, months)
        out = out substr(rest, 1, RSTART + RLENGTH - 11) date
        rest = substr(rest, RSTART + RLENGTH)
    }
    return out rest
}

# The last day that a ticket tells of.
function last_day(    i, rest, key, date, last) {
    last = ""
    for (i = 1; i <= lines; i++) {
        rest = line[i]
        while (match(rest, /[A-Za-z]+'?: '?20[0-9][0-9]-[01][0-9]-[0-3][0-9]/)) {
            key = substr(rest, RSTART, RLENGTH); date = substr(key, length(key) - 9); sub(/'?:.*/, "", key)
            if (key ~ /(On|At|on)$/ && date > last) last = date
            rest = substr(rest, RSTART + RLENGTH)
        }
    }
    return last
}

# The only line of the document with this key, or that holds this text.
function find(what,    i, found, count) {
    count = 0
    for (i = 1; i <= lines; i++) {
        if (what ~ /^\//) { if (!index(line[i], substr(what, 2))) continue }
        else if (trim(line[i]) !~ ("^" what ":( |$)")) continue
        found = i; count++
    }
    if (count != 1) fail(id " has " count " lines for " what ", should have one")
    return found
}

function remove(from, to,    i) {
    for (i = to + 1; i <= lines; i++) line[i - to + from - 1] = line[i]
    lines -= to - from + 1
}

function change(n,    at, to, new, i) {
    used[n] = 1
    at = find(what[n])
    if (how[n] == "was") {
        new = line[at]; sub(/: .*/, ": " value[n], new)
        if (new == line[at]) fail(id " has " trim(line[at]) " today, so that it cannot have changed")
        line[at] = new
    } else if (how[n] == "without") {
        to = at
        while (to < lines && indent_of(line[to + 1]) > indent_of(line[at])) to++
        remove(at, to)
    } else if (how[n] == "with") {
        for (i = lines; i > at; i--) line[i + 1] = line[i]
        line[at + 1] = substr("                ", 1, indent_of(line[at])) value[n]
        lines++
    } else fail("there is no way of changing called " how[n])
}

function end_of_document(    i, n) {
    if (!lines) return
    id = kind "/" name
    gone = 0
    for (n = 1; n <= changes; n++) if (resource[n] == id && how[n] == "gone") { used[n] = 1; gone = 1 }
    if (is_yaml && !gone && !is_once) {
        if (!(id in known) && kind ~ /^(Incident|Problem|Change|Request|Vulnerability)$/ && last_day() > kept) gone = 1
        if (kind !~ /^(Incident|Problem|Change|Request|Vulnerability|Waiver|FirewallRule)$/)
            for (i = 1; i <= lines; i++) line[i] = aged(line[i])
    }
    if (!gone) {
        for (n = 1; n <= changes; n++) if (resource[n] == id && how[n] != "gone") change(n)
        documents++
        text[documents] = ""
        for (i = 1; i <= lines; i++) text[documents] = text[documents] line[i] "\n"
    }
    lines = 0; kind = ""; name = ""
}

# Four spaces for two, one comment, and the last document first: nothing of this means anything.
function other_format(n,    i, parts, count, out) {
    count = split(text[n], parts, "\n")
    out = ""
    for (i = 1; i < count; i++) { match(parts[i], /^ */); out = out substr(parts[i], 1, RLENGTH) parts[i] "\n" }
    return out
}

function end_of_file(    i, target, is_old) {
    end_of_document()
    if (path == "" || !documents) return
    target = path; is_old = 0
    for (i = 1; i <= changes; i++) if (resource[i] == path && how[i] == "at") { target = value[i]; used[i] = 1; is_old = 1 }
    if (is_absent) return
    print "M 100644 inline " target
    print "data <<end-of-" path
    if (is_old) print "# Kept by hand"
    for (i = 1; i <= documents; i++) {
        if (i > 1) print "---"
        printf "%s", is_old ? other_format(documents + 1 - i) : text[i]
    }
    print "end-of-" path
}

# The table: from | until | resource or file | how | what | value
FILENAME == table {
    if ($0 ~ /^(#|$)/) next
    count = split($0, cell, "|")
    for (i = 1; i <= count; i++) cell[i] = trim(cell[i])
    if (count < 4) fail("too few columns: " $0)
    if (index(days, cell[1]) == 0 || index(days, cell[2]) == 0) fail("no commit has the day: " $0)
    known[cell[3]] = 1
    if (cell[1] > day || cell[2] <= day) next
    if (branch != "" && $0 ~ ("@" branch "$")) next
    sub(/ *@[a-z-]+$/, "", cell[count])
    changes++
    source[changes] = $0; resource[changes] = cell[3]; how[changes] = cell[4]
    what[changes] = cell[5]; value[changes] = cell[6]
    next
}

FNR == 1 {
    if (path != "") end_of_file()
    path = FILENAME
    is_once = index(path, once "/") == 1
    sub("^" (is_once ? once : folder) "/", "", path)
    is_yaml = path ~ /^(estate|policies)\/.*\.yaml$/
    documents = 0; lines = 0; kind = ""; name = ""
    is_absent = is_once
    for (i = 1; i <= changes; i++) {
        if (resource[i] != path) continue
        if (how[i] == "gone") { used[i] = 1; is_absent = 1 }
        if (how[i] == "there") { used[i] = 1; is_absent = 0 }
    }
}

is_yaml && $0 == "---" { end_of_document(); next }
is_yaml && /^kind: / { kind = substr($0, 7) }
is_yaml && /^  name: / && name == "" { name = substr($0, 9) }
{ line[++lines] = $0 }

END {
    if (failed) exit 1
    end_of_file()
    for (i = 1; i <= changes; i++) if (!used[i]) fail("nothing is changed by: " source[i])
}

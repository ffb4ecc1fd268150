use std::sync::Arc;

use crate::yaml::{Limits, Tape, parse};

fn read(text: &str, limits: &Limits) -> Tape {
    parse(text.as_bytes().to_vec(), &Arc::from("t.yaml"), limits).0
}

/// How much of a text the fast parser reads, having held its tape against that of the general one.
#[track_caller]
fn fast_bytes(text: &str, limits: Limits) -> usize {
    let file = Arc::from("t.yaml");
    let (mut fast, problems) = parse(text.as_bytes().to_vec(), &file, &limits);
    let strict = parse(text.as_bytes().to_vec(), &file, &Limits { strict: true, ..limits });
    let bytes = std::mem::take(&mut fast.fast_bytes);
    assert_eq!(strict.0.fast_bytes, 0, "{text:?}");
    assert_eq!((fast, problems), strict, "{text:?}");
    bytes
}

/// Both parsers agree, and the fast one reads all of it.
#[track_caller]
fn fast(text: &str) {
    assert_eq!(fast_bytes(text, Limits::default()), text.len(), "{text:?}");
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(fast_bytes(&crlf, Limits::default()), crlf.len(), "{crlf:?}");
}

/// Both parsers agree, and the fast one reads only the documents of the first part.
#[track_caller]
fn left(read: &str, rest: &str) {
    let text = format!("{read}{rest}");
    assert_eq!(fast_bytes(&text, Limits::default()), read.len(), "{text:?}");
}

#[test]
fn block_collections() {
    fast("a: 1\nb:\n  c: x\n  d:\n    - 1\n    - e: 2\n      f: 3\ng: ~\n");
    fast("a:\n- 1\n- b: 2\n  c:\n  - 3\n- - 4\n  -   - 5\nd: 6");
    fast("- a\n-\n- \n-   # comment\n-\n  b\n-\n  - c\n- # comment\n  d: e\n");
    fast("a:\n- # comment\n-\nb:\n-\n   c\nd:\n-");
    fast("a:\tb\nc: \t# comment\n  d\n");
    fast("  a: 1\n  b:\n      c\n");
    fast("'a': 1\n\"b c\" : 2\nd   : 3\ne:f: 4\n-g: 5\n\"\": 6\n");
    fast("1: a\ntrue: b\n0x1F: c\nnull: d\nyes: e\n");
    fast("a: yes\nb: 0644\nc: 1_000\nd: -12\ne: 1e3\nf: .5\n");
    fast(&(0..100).map(|number| format!("key-{number}: {number}\n")).collect::<String>());
}

#[test]
fn scalars_without_quotes() {
    fast("a: b c  \nd: e # comment\nf: g#h\ni: http://j:80/\nk: l:m\n");
    fast("a: b\n  c\n\n\n  d # comment\ne:\n  f\n   g\nh: i\n   \nj: k\n");
    fast("- a\n  b\n-\n c\n d\n");
    fast("a: -b\nc: ::/0\n::d: ?e\n?f: :g\n- h: i\n".replace("- h", "-h").as_str());
    fast("a: b\n  - c\n  d\ne: é ü\n");
}

#[test]
fn scalars_in_quotes() {
    fast(
        "a: \"b\\n\\t\\\"\\\\\\/\\x41\\u00e9\\U0001F600\\ud83d\\ude00\\N\\_\\L\\P\\e\\0\\a\\b\\v\\f\\r\\ \"\nc: 'd''e'\n",
    );
    fast("a: \"b\n  c  \n\n\n  d\\\n    e\\ \n  \"\nf: 'g\n\n  h'''\n'i': ''\nj: \"\"\nk: \"\\\n  \"\n");
    fast("- 'a'  # comment\n- \"b: c # d\"\n-\n  'e'\n");
}

#[test]
fn block_scalars() {
    for header in ["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-", "|+2", "| # comment"] {
        fast(&format!("a: {header}\n  b\n  c\n\n   d\n  e\n\n\nf:\n- {header}\n  g\n\nh: i\n"));
    }
    fast("a: |\n\n\n  b\nc: >\n\nd: |+\n\n\ne: |\n# comment\nf: |-\n    g\n  # comment\nh:\n  |\n  i\n");
    fast("a: |\n  b");
    fast("a: >\n  b\n  ");
    fast("- |\n b\n- >-\n\n   c\n\n   d\n   \t e\n");
}

#[test]
fn flow_collections() {
    fast("{\"a\":[1,-2,1e3,true,null,\"b\"],\"c\":{\"d\":{}, \"e\":[]}}");
    fast("{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2 ]\n}\n");
    fast("a: [b, 'c', \"d\" , e f, http://g:80,]\nh: {i: j, k: , l:\n  m, 'n' : [o]} # comment\n");
    fast("a: [\n  b, # comment\n  # comment\nc\n  ]\nd: {e: f,\ng: h}\n");
    fast("- [a: b, c, d: , 'e': {f: g}, h: [i]]\n- {}\n- []\n-\n  [a]\n");
    fast("[\"a\n  b\", 'c\n\nd']\n");
}

#[test]
fn documents() {
    fast("");
    fast("# comment\n\n");
    fast("---\na: 1\n---\n# nothing\n--- # comment\n- 2.5\n...\n# comment\n...\nb: 1\n...  \n");
    fast("---\n---\n...\n");
    fast("\u{feff}a: 1\n");
    fast("\u{feff}---\na: 1\n");
    left("a: 1\n", "---\nb: &x 1\n");
    left("a: 1\n...\n", "%YAML 1.2\n---\nb: !!str 1\n");
    // Behind a document for the general parser the fast one goes on.
    let text = "a: &x 1\n---\nb: 1\n---\nc: 2\n---\nd: *x\n";
    assert_eq!(fast_bytes(text, Limits::default()), "---\nb: 1\n---\nc: 2\n".len());
    let text = "%TAG !e! tag:e,2000:\n---\na: !e!b c\n---\nb: 1\n";
    assert_eq!(fast_bytes(text, Limits::default()), "---\nb: 1\n".len());
}

#[test]
fn what_is_left_to_the_general_parser() {
    for text in [
        "a: *b\n",
        "a: &b c\n",
        "a: !!str b\n",
        "%YAML 1.2\na: b\n",
        "? a\n: b\n",
        "<<: {a: b}\n",
        "a: {<<: {b: c}}\n",
        "a: b\na: c\n",
        "{a: b, 'a': c}",
        "a: 1e999\n",
        "a: .inf\n",
        "99999999999999999999: a\n",
        "a\n",
        "'a'\n",
        "--- a\n",
        "--- |\n a\n",
        "\ta: b\n",
        "a:\n\tb: c\n",
        "-\ta\n",
        "a: b: c\n",
        "a: b\n c: d\n",
        "a: b # c\n  d\n",
        "a: b\n- c\n",
        "- a\nb: c\n",
        "- - a\n - b\n",
        "a: - b\n",
        "a: 'b' c\n",
        "a: 'b'c\n",
        "a: 'b'#c\n",
        "a: \"b\\z\"\n",
        "a: \"b\\ud800\"\n",
        "a: 'b\nc'\n",
        "a: 'b\n",
        "'a\n  b': c\n",
        "a: |x\n  b\n",
        "a: |0\n  b\n",
        "a: |1-2\n  b\n",
        "a: |\n",
        "a: |\n   b\n  c\n",
        "a: |\n    \n  b\n",
        "a: |\n\tb\n",
        "a: [b\n",
        "a: [b]]\n",
        "a: [b}\n",
        "a: [b c\n d]\n",
        "a: [,]\n",
        "a: {b}\n",
        "a: {b: c: d}\n",
        "a: [b]: c\n",
        "[b]: c\n",
        "a: [b,#c\n]\n",
        "a: {b:[c]}\n",
        "a: [- b]\n",
        "a: [\n--- ]\n",
        "a: [\n\tb]\n",
        "[a]\n[b]\n",
        "a: @b\n",
        "a: b\n... c\n",
        "a: b\rc: d\n",
        "a: b\u{feff}\n",
        "a: \u{fffe}\n",
        "a: 'b'\n\u{feff}---\n",
        "a: ]\n",
        "a: ,b\n",
    ] {
        left("", text);
    }
    let key = "k".repeat(1_024);
    fast(&format!("{key}: a\n"));
    fast(&format!("{{{key}: a}}\n"));
    left("", &format!("{key}k: a\n"));
    left("", &format!("'{key}': a\n"));
    left("", &format!("{{{key}k: a}}\n"));
    // What could have been a key and is longer is none.
    for long in [
        format!("[{key}, {key}]"),
        format!("{{a: {key}, b: {key}}}"),
        format!("'{key}{key}'"),
        format!("{key} {key}"),
    ] {
        fast(
            &format!("- {long}\n-\n  {long}\na:\n  {long}\n")
                .replace("\na:", "\n- a:")
                .replace("\n  ", "\n      "),
        );
    }
}

#[test]
fn limits() {
    let base = Limits::default();
    let text = "a: [b, {c: 1}]\n";
    let whole = |limits| fast_bytes(text, limits) == text.len();
    assert!(whole(Limits { depth: 3, ..base }) && !whole(Limits { depth: 2, ..base }));
    assert!(whole(Limits { nodes: 7, ..base }) && !whole(Limits { nodes: 6, ..base }));
    assert!(whole(Limits { documents: 1, ..base }) && !whole(Limits { documents: 0, ..base }));
    // An empty document takes a value as well, until it is over.
    assert_eq!(fast_bytes("---\n---\n", Limits { nodes: 1, ..base }), 8);
    assert_eq!(fast_bytes("---\n---\n", Limits { nodes: 0, ..base }), 0);
    // The limit is looked at on the way as well.
    let many = format!("[{}]", "a,".repeat(1_000));
    assert_eq!(fast_bytes(&many, Limits { nodes: 1_000, ..base }), 0);
    assert_eq!(fast_bytes(&many, Limits { nodes: 1_001, ..base }), many.len());
    assert_eq!(read(text, &Limits { strict: true, ..base }).fast_bytes, 0);
}

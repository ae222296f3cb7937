use super::*;
use crate::json::{self, Members};

const RECORD: &str = concat!(
    r#" {"uuid" : "a\u00e4\n", "n":[-0, 1.5e+7,10, 2E999 ,{"x":{}, "y":[]}],"#,
    r#""actor":{"id":"00u","id":"last","deep":{"a":{"b":{"c":{"d":{"e":{"f":[1,{"g":[[]]}]}}}}}}},"#,
    r#""\u0061":true,"half":"\ud800","b":null,"list":["x",false,{"type":"User"}],"umläut":"ß 日本"} "#,
);

fn is_same(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    let (tree, members) = (Tree::read(text), Members::read(text));
    assert_eq!(tree.is_some(), members.is_some(), "{shown}");
    let (Some(tree), Some(members)) = (tree, members) else {
        return;
    };
    let root = tree.root();
    for name in ["uuid", "n", "actor", "a", "half", "b", "list", "nothing"] {
        let raw = members.get(name).map(|value| value.get());
        assert_eq!(root.get(name).raw(), raw, "{name} of {shown}");
        assert_eq!(root.text(name), members.text(name), "{name} of {shown}");
        let is_odd = members.get(name).is_some_and(json::is_odd);
        assert_eq!(root.get(name).is_odd(), is_odd, "{name} of {shown}");
        for inner in ["id", "deep", "x"] {
            let (one, other) = (root.get(name).get(inner), members.object(name));
            let other = other.get(inner).map(|value| value.get());
            assert_eq!(one.raw(), other, "{inner} in {name} of {shown}");
        }
        let items = members.list(name).into_iter().map(|item| item.get());
        assert!(
            root.list(name).filter_map(Object::raw).eq(items),
            "{name} of {shown}"
        );
    }
    let rest = root.without(&["b", "n"]).into_iter();
    let rest = rest.map(|(name, value)| (name, value.raw().unwrap_or_default()));
    let other = members.without(&["b", "n"]).into_iter();
    assert!(
        rest.eq(other.map(|(name, value)| (name, value.get()))),
        "{shown}"
    );
}

/// Whatever becomes of a record on its way, both ways of reading tell the same.
#[test]
fn a_tree_holds_what_its_members_are() {
    is_same(RECORD.as_bytes());
    for at in 0..RECORD.len() {
        is_same(&RECORD.as_bytes()[..at]);
        is_same(&RECORD.as_bytes()[at..]);
        for byte in *b"\"\\{}[]:, 0e-.ux\n\x01\xff" {
            let mut text = RECORD.as_bytes().to_vec();
            text[at] = byte;
            is_same(&text);
            text.insert(at, RECORD.as_bytes()[at]);
            is_same(&text);
            text.remove(at);
            text.remove(at);
            is_same(&text);
        }
    }
}

#[test]
fn nesting_has_no_end_and_takes_no_stack() {
    let deep = format!(
        "{{\"a\":{}{}}}",
        "[{\"b\":".repeat(100_000),
        "}]".repeat(100_000)
    );
    assert!(Tree::read(deep.as_bytes()).is_none(), "a value is missing");
    let deep = format!(
        "{{\"a\":{}1{}}}",
        "[{\"b\":".repeat(100_000),
        "}]".repeat(100_000)
    );
    let tree = Tree::read(deep.as_bytes()).expect("JSON by its grammar");
    assert!(tree.root().get("a").is_odd());
    for levels in 1..140 {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        is_same(deep.as_bytes());
    }
}

#[test]
fn numbers_that_fit_no_double_are_odd() {
    for number in ["1e99", "1e999", "1e-999", "-1E+308", "1e309", "0e1000"] {
        is_same(format!("{{\"n\":{number}}}").as_bytes());
        is_same(format!("{{\"n\":[{}{number}]}}", "9".repeat(250)).as_bytes());
    }
}

use super::*;

#[track_caller]
fn check(name: &str, lines: &[&str], expected: Option<&str>) {
    let headers = lines.iter().fold(Headers::default(), |headers, line| {
        headers.with("link", *line)
    });
    assert_eq!(next_link(&headers), expected, "{name}");
}

#[test]
fn the_next_link_is_found_however_links_are_written() {
    let (me, next) = (
        "https://a.okta.com/x?limit=2",
        "https://a.okta.com/x?after=a,b;c&limit=2",
    );
    let self_line = format!("<{me}>; rel=\"self\"");
    let next_line = format!("<{next}>; rel=\"next\"");
    let joined = format!("{self_line}, {next_line}");
    let unquoted = format!("<{next}>;rel=next");
    let several = format!("<{next}>; title=\"x\"; REL=\"last next\"");
    check("two lines", &[&self_line, &next_line], Some(next));
    check("the other order", &[&next_line, &self_line], Some(next));
    check("one line", &[&joined], Some(next));
    check("without quotes", &[&unquoted], Some(next));
    check("several relations", &[&several], Some(next));
    check("the last page", &[&self_line], None);
    check("no links", &[], None);
    for odd in [
        "",
        "<",
        "<>",
        "rel=next",
        "<https://a.okta.com/x; rel=next",
        ">;rel=\"next\"<",
    ] {
        check(odd, &[odd], None);
    }
    check(
        "a title is no relation",
        &["<https://a/x>; title=\"rel=next\""],
        None,
    );
}

#[test]
fn an_id_stays_one_segment_of_a_path() {
    let segment = |id| segment(id).expect("an id");
    assert_eq!(segment("00u118oQYT4TBGuay0g4"), "00u118oQYT4TBGuay0g4");
    assert_eq!(segment("../me?x#ä"), "..%2Fme%3Fx%23%C3%A4");
    assert!(super::segment("..").is_err() && super::segment("").is_err());
}

#[test]
fn times_without_a_zone_are_utc() {
    let at = |text| moment(text).map(|at| at.to_string());
    let expected = Some("2022-06-10T17:19:58.423Z".to_string());
    assert_eq!(at("2022-06-10T17:19:58.423Z"), expected);
    assert_eq!(at("2022-06-10 17:19:58.423"), expected);
    assert_eq!(at("yesterday"), None);
}

#[test]
fn a_missing_right_is_named_with_its_scope_and_a_slow_query_is_tried_again() {
    let refused = |kind, code: &str| {
        let refusal = casbah_http::Refusal {
            kind,
            status: 400,
            code: code.into(),
            message: String::new(),
            location: None,
        };
        let error = CallError::Refused {
            host: "a.okta.com".into(),
            refusal: Box::new(refusal),
        };
        explain(&["okta.logs.read"], "read the System Log", error)
    };
    let ConnectorError::Forbidden { cause } = refused(RefusalKind::Forbidden, "E0000006") else {
        panic!("a right is missing")
    };
    assert!(cause.fix.contains("okta.logs.read"), "{cause}");
    let slow = refused(RefusalKind::Invalid, INTERNAL);
    assert!(matches!(slow, ConnectorError::Unavailable { .. }));
}

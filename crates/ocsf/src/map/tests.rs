use casbah_model::event::Client;

use super::*;

fn source(address: &str) -> String {
    let event = Event {
        client: Client {
            address: Some(address.into()),
            ..Client::default()
        },
        ..Event::default()
    };
    let origin = Origin {
        product: "Product",
        vendor: "Vendor",
        tenant: "t",
        instance: "i",
        logged: Timestamp::UNIX_EPOCH,
        processed: Timestamp::UNIX_EPOCH,
    };
    let mut out = Vec::new();
    write(&event, &origin, Profile::default(), &mut out);
    let text = String::from_utf8(out).expect("text");
    let (_, rest) = text.split_once("\"src_endpoint\":").expect("a source");
    let (source, _) = rest.split_once('}').expect("an object");
    format!("{source}}}")
}

#[test]
fn an_address_is_written_without_what_stands_around_it() {
    let check = |address, expected| assert_eq!(source(address), expected, "{address}");
    check("203.0.113.9", r#"{"ip":"203.0.113.9"}"#);
    check(" 203.0.113.9 ", r#"{"ip":"203.0.113.9"}"#);
    check("203.0.113.9:443", r#"{"ip":"203.0.113.9","port":443}"#);
    // Ports that are none, and brackets that need not be.
    check("203.0.113.9:", r#"{"ip":"203.0.113.9"}"#);
    check("203.0.113.9:99999", r#"{"ip":"203.0.113.9"}"#);
    check("[203.0.113.9]", r#"{"ip":"203.0.113.9"}"#);
    check("[2001:DB8::1]:443", r#"{"ip":"2001:db8::1","port":443}"#);
    check("<null>", r#"{"name":"<null>"}"#);
}

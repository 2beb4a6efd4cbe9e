//! Every form that the reader refuses, and what it makes of the others.

use super::*;

fn refusal(document: &str) -> Violation {
    parse(document.as_bytes(), &Limits::MESSAGE).unwrap_err().cause
}

#[test]
fn text_is_whole_and_decoded() {
    let root = parse(
        "<?xml version='1.0'?>\n<a b='1&#10;2\r\n3\t'>x<!-- c -->y&amp;<![CDATA[<z>]]>\r\n</a>".as_bytes(),
        &Limits::MESSAGE,
    )
    .unwrap();
    assert_eq!(root.text(), "xy&<z>\n");
    assert_eq!(root.only_text(), None);
    assert_eq!(root.attribute("b"), Some("1\n2 3 "));
    assert_eq!(root.line, 2);
}

#[test]
fn names_are_resolved() {
    let root =
        parse(b"<p:a xmlns:p='urn:p' xmlns='urn:d' p:x='1' x='2'><b/><c xmlns=''/></p:a>", &Limits::MESSAGE);
    let root = root.unwrap();
    assert!(root.is("urn:p", "a"));
    assert_eq!((root.attribute("x"), root.attribute_in("urn:p", "x")), (Some("2"), Some("1")));
    let below: Vec<_> = root.elements().map(|e| (e.namespace.as_ref(), e.local)).collect();
    assert_eq!(below, [("urn:d", "b"), ("", "c")]);
}

#[test]
fn each_hostile_form_has_its_own_refusal() {
    assert_eq!(
        refusal("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
        Violation::Doctype
    );
    assert_eq!(refusal("<a><?php x?></a>"), Violation::ProcessingInstruction);
    assert_eq!(refusal("<?xml version='1.1'?><a/>"), Violation::Declaration);
    assert_eq!(refusal("<?xml version='1.0' encoding='UTF-16'?><a/>"), Violation::Declaration);
    assert_eq!(refusal(" <?xml version='1.0'?><a/>"), Violation::Declaration);
    assert_eq!(refusal("<a>&nbsp;</a>"), Violation::Entity("nbsp".into()));
    assert_eq!(refusal("<a b='&nbsp;'/>"), Violation::Entity("nbsp".into()));
    assert_eq!(refusal("<a>&#0;</a>"), Violation::Entity("#0".into()));
    assert_eq!(refusal("<a>&#x1;</a>"), Violation::Character('\u{1}'));
    assert_eq!(refusal("<a>\u{b}</a>"), Violation::Character('\u{b}'));
    assert_eq!(refusal("<a/><b/>"), Violation::SecondRoot);
    assert_eq!(refusal("<a/>x"), Violation::TextOutsideRoot);
    assert_eq!(refusal("<a/>&#32;"), Violation::TextOutsideRoot);
    assert_eq!(refusal("<a/>\0<b/>"), Violation::Character('\0'));
    assert_eq!(
        refusal("<a><b></a>"),
        Violation::Malformed("ill-formed document: expected `</b>`, but `</a>` was found".into())
    );
    assert_eq!(refusal("<a>"), Violation::Truncated);
    assert_eq!(refusal(""), Violation::Truncated);
    assert_eq!(refusal("<p:a/>"), Violation::UndeclaredPrefix("p".into()));
    assert_eq!(refusal("<a p:b=''/>"), Violation::UndeclaredPrefix("p".into()));
    assert_eq!(refusal("<a xmlns:xml='urn:x'/>"), Violation::ReservedPrefix("xml".into()));
    assert_eq!(refusal("<a xmlns:p=''/>"), Violation::ReservedPrefix("p".into()));
    assert_eq!(refusal("<a xmlns:p='relative'/>"), Violation::RelativeNamespace("relative".into()));
    assert_eq!(refusal("<a xmlns='urn:a b'/>"), Violation::RelativeNamespace("urn:a b".into()));
    assert_eq!(refusal("<a b='1' b='2'/>"), Violation::DuplicateAttribute("b".into()));
    assert_eq!(
        refusal("<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>"),
        Violation::DuplicateAttribute("b".into())
    );
    assert_eq!(
        refusal("<a xmlns:p='urn:x' xmlns:p='urn:x'/>"),
        Violation::DuplicateAttribute("xmlns:p".into())
    );
    for malformed in [
        "<a b='<'/>",
        "<a b=1/>",
        "<a b='1'c='2'/>",
        "<a b/>",
        "<1a/>",
        "<a:b:c/>",
        "<a>]]></a>",
        "<a>&</a>",
        "<a b='&'/>",
    ] {
        assert!(matches!(refusal(malformed), Violation::Malformed(_)), "{malformed}");
    }
}

#[test]
fn bounds_hold() {
    let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
    assert_eq!(refusal(&deep), Violation::Depth(64));
    assert_eq!(refusal(&format!("<a>{}</a>", "<b/>".repeat(1_000))), Violation::Elements(1_000));
    let many = (0..65).fold(String::new(), |all, n| format!("{all} a{n}=''"));
    assert_eq!(refusal(&format!("<a{many}/>")), Violation::Attributes(64));
    let many = (0..65).fold(String::new(), |all, n| format!("{all} xmlns:a{n}='urn:x'"));
    assert_eq!(refusal(&format!("<a{many}/>")), Violation::Namespaces(64));
    assert_eq!(
        refusal(&format!("<a>{}</a>", "x".repeat(200_000))),
        Violation::TooLarge { found: 200_007, limit: 131_072 }
    );
    assert_eq!(parse(b"<a>\xff</a>", &Limits::MESSAGE).unwrap_err().cause, Violation::NotUtf8);
}

#[test]
fn a_small_document_cannot_ask_for_much_memory_or_time() {
    // Each name in a namespace whose URI had to be decoded holds a copy of it.
    let fits = format!("urn:&amp;{}", "a".repeat(NAMESPACE_LENGTH - 5));
    assert!(parse(format!("<a xmlns='{fits}'/>").as_bytes(), &Limits::MESSAGE).is_ok());
    assert_eq!(refusal(&format!("<a xmlns='{fits}a'/>")), Violation::LongNamespace);
    // Each name is looked up among all declarations in force.
    let level =
        |n: usize| (0..64).fold("<a".to_owned(), |all, at| format!("{all} xmlns:p{n}.{at}='urn:x'")) + ">";
    let levels = |count: usize| (0..count).map(level).collect::<String>() + "</a>".repeat(count).as_str();
    assert!(parse(levels(4).as_bytes(), &Limits::MESSAGE).is_ok());
    assert_eq!(refusal(&levels(5)), Violation::NamespacesInForce);
}

#[test]
fn the_line_is_named() {
    assert_eq!(parse(b"<a>\n\n<b>\n<?x?></b></a>", &Limits::MESSAGE).unwrap_err().line, 4);
}

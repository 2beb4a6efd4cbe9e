//! Persistent ids as SimpleSAMLphp 1.x computes them: our function beside its own code, for the same salts, entityIDs and
//! people.

use sekisho::saml::name_id::legacy_persistent;
use sekisho::secret::Secret;
use serde_json::json;

use super::php::answers;

#[test]
fn legacy_ids_are_those_of_simplesamlphp() {
    let salts = ["o9bn3kz4q1", "塩", "a:b\"' \\", "0"];
    let entities = [
        ("https://idp.example.co.jp/simplesaml/saml2/idp/metadata.php", "https://sp.example.com/"),
        ("https://idp.example/日本", "google.com/a/example.co.jp"),
        ("1", "1:1"),
    ];
    let people = ["tanaka", "tanaka@example.co.jp", "田中", "a b\t", "1:tanaka", "00", " "];
    let (mut cases, mut expected) = (Vec::new(), Vec::new());
    for salt in salts {
        for (idp, sp) in entities {
            for person in people {
                let ours = legacy_persistent(&Secret::new(salt.to_owned()), idp, sp, person.as_bytes());
                for way in ["filter", "userid"] {
                    let attributes =
                        json!([["mail", {"pairs": [[null, "x@y"]]}], ["uid", {"pairs": [[null, person]]}]]);
                    cases.push(json!({
                        "persistent": way, "salt": salt, "idp": idp, "sp": sp, "attribute": "uid",
                        "attributes": {"pairs": attributes},
                    }));
                    expected.push(json!([ours]));
                }
            }
        }
    }
    for (case, (theirs, ours)) in cases.iter().zip(answers(&cases).into_iter().zip(expected)) {
        assert_eq!(theirs, ours, "{case}");
    }
}

#[test]
fn simplesamlphp_too_has_no_id_of_several_values_or_none() {
    for values in [json!([]), json!([[null, "a"], [null, "b"]]), json!([[null, ""]])] {
        let cases: Vec<_> = ["filter", "userid"]
            .map(|way| {
                json!({
                    "persistent": way, "salt": "s", "idp": "i", "sp": "p", "attribute": "uid",
                    "attributes": {"pairs": [["uid", {"pairs": values}]]},
                })
            })
            .to_vec();
        assert_eq!(answers(&cases), [json!([null]), json!([null])], "{values}");
    }
}

//! Active Directory as it is, on a real Samba domain controller.

use crate::support::samba::{HTTP_ACCOUNT, PASSWORD, Samba};

#[tokio::test]
async fn the_domain_is_there() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("rig-person");
    assert!(samba.try_password(&dn, PASSWORD));
    samba.lock(&dn);
    samba.age_password("rig-person", 40);
    let keytab = samba.keytab(HTTP_ACCOUNT, "HTTP/localhost");
    assert!(keytab.metadata().unwrap().len() > 50);
}

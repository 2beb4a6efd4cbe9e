//! The attributes that hold passwords, hashes and keys.

/// Passwords, hashes and keys, in lower case: they never reach the pipeline, even when the service account may read
/// them and the configuration asks for them.
const SECRETS: [&str; 39] = [
    "authpassword",
    "currentvalue",
    "dbcspwd",
    "initialauthincoming",
    "initialauthoutgoing",
    "ipanthash",
    "ipatokenotpkey",
    "krb5key",
    "krbextradata",
    "krbmkey",
    "krbprincipalkey",
    "krbpwdhistory",
    "lmpwdhistory",
    "ms-mcs-admpwd",
    "ms-mcs-admpwdhistory",
    "msds-executescriptpassword",
    "msds-managedpassword",
    "msfve-keypackage",
    "msfve-recoverypassword",
    "mspkiaccountcredentials",
    "mspkidpapimasterkeys",
    "nspmdistributionpassword",
    "ntpwdhistory",
    "oathsecret",
    "priorvalue",
    "pwdhistory",
    "radiustunnelpassword",
    "sambacleartextpassword",
    "sambalmpassword",
    "sambantpassword",
    "sambapasswordhistory",
    "sambapreviouscleartextpassword",
    "supplementalcredentials",
    "trustauthincoming",
    "trustauthoutgoing",
    "unicodepwd",
    "unixuserpassword",
    "userpassword",
    "userpkcs12",
];

/// Whether an attribute may never be released. LAPS grew several attributes of one prefix.
pub fn is_secret(name: &str) -> bool {
    let base = name.split(';').next().unwrap_or(name).to_ascii_lowercase();
    SECRETS.contains(&base.as_str()) || base.starts_with("mslaps-")
}

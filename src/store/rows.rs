//! What the store holds and what may be written to it. Times are milliseconds since 1970 (UTC).

/// A person's session at this identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the cookie token, in hexadecimal.
    pub id_hash: String,
    /// directory/key of the person.
    pub subject: String,
    /// The rest, as JSON.
    pub body: String,
    /// When it began.
    pub created_ms: i64,
    /// When it was last seen, to the minute or so.
    pub last_used_ms: i64,
    /// When its lifetime ends.
    pub expires_ms: i64,
    /// What was issued in it.
    pub sp_sessions: Vec<SpSessionRow>,
}

impl SessionRow {
    /// Whether a [`Write::LapseSession`] or [`Write::RevokeSession`] came: that leaves a time of last use at which nothing was used.
    pub fn has_lapsed(&self) -> bool {
        self.last_used_ms == 0
    }
}

/// A session of a service provider that came out of a person's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpSessionRow {
    /// The session it belongs to.
    pub id_hash: String,
    /// The entityID of the service provider.
    pub sp: String,
    /// The SessionIndex of the assertion (saml-core 2.7.2); never given twice.
    pub session_index: String,
    /// Finds the session by the name that the service provider knows the person by; empty when there is none.
    pub name_key: String,
    /// The NameID, as JSON.
    pub body: String,
    /// When it was issued.
    pub issued_ms: i64,
}

/// One change of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// A session begins, or is written anew; its `sp_sessions` are written too.
    PutSession(SessionRow),
    /// A session was used.
    TouchSession {
        /// Which.
        id_hash: String,
        /// When.
        last_used_ms: i64,
    },
    /// The time of a session is over; what was issued in it is still known.
    LapseSession {
        /// Which.
        id_hash: String,
        /// When.
        at_ms: i64,
    },
    /// The time of a session is over on purpose: it had none, see [`SessionRow::created_ms`] and `expires_ms`.
    RevokeSession {
        /// Which.
        id_hash: String,
    },
    /// A session ends, with all that was issued in it.
    EndSession {
        /// Which.
        id_hash: String,
    },
    /// Something was issued in a session.
    PutSpSession(SpSessionRow),
    /// A password was wrong.
    WrongTry {
        /// What the try counts against.
        keys: Vec<String>,
        /// When.
        at_ms: i64,
    },
    /// The tries against these keys are forgotten.
    ClearTries {
        /// Which.
        keys: Vec<String>,
    },
    /// A person signed in from an address.
    KnownAddress {
        /// directory/key of the person.
        subject: String,
        /// The address, as the throttle writes it.
        address: String,
        /// When.
        at_ms: i64,
    },
    /// Something is remembered for a short time.
    PutMemo {
        /// What it is found by.
        key: String,
        /// The content.
        body: String,
        /// When it is forgotten.
        expires_ms: i64,
    },
    /// It is forgotten before its time.
    DropMemo {
        /// What it was found by.
        key: String,
    },
    /// A metadata file speaks for an entityID.
    LiveFile {
        /// The entityID.
        entity_id: String,
        /// The file.
        file: String,
        /// SHA-256 of its content.
        sha256: String,
    },
    /// No metadata file speaks for an entityID any more.
    ForgetLiveFile {
        /// The entityID.
        entity_id: String,
    },
}

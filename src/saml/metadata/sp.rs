//! stub
/// stub
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionConsumerService {
    /// stub
    pub index: Option<u16>,
    /// stub
    pub is_default: Option<bool>,
    /// stub
    pub binding: String,
    /// stub
    pub location: String,
}

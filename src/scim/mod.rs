//! SCIM 2.0 as documents (RFC 7643, RFC 7644): bytes in, typed values out, and back. Nothing here waits for anybody.

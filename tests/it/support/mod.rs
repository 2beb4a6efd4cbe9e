//! What the tests stand on: a browser, a service provider, a running server.

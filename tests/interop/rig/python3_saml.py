"""A web application that signs people in by python3-saml: one service for each entry of FOLDER/settings.json.

    python python3_saml.py PORT FOLDER

/SERVICE/secret asks for a sign-in and shows as JSON what it learned; metadata, acs, sls and logout stand beside it.
"""

import json
import secrets
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

PORT, FOLDER = int(sys.argv[1]), Path(sys.argv[2])
IDP = OneLogin_Saml2_IdPMetadataParser.parse((FOLDER / "idp.xml").read_text())["idp"]
SETTINGS = {
    name: OneLogin_Saml2_Settings({**settings, "idp": IDP})
    for name, settings in json.loads((FOLDER / "settings.json").read_text()).items()
}
SESSIONS = {}


class Application(BaseHTTPRequestHandler):
    def do_GET(self):
        self.serve({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.serve(first_of(body))

    def serve(self, form):
        url = urlsplit(self.path)
        if url.path == "/":
            return self.answer("welcome")
        self.name, endpoint = url.path.strip("/").split("/")
        self.query = url.query
        self.saml = OneLogin_Saml2_Auth(
            {
                "https": "off",
                "http_host": f"localhost:{PORT}",
                "script_name": url.path,
                "get_data": first_of(url.query),
                "post_data": form,
                # Signatures are over the query as it came.
                "query_string": url.query,
                "validate_signature_from_qs": True,
            },
            SETTINGS[self.name],
        )
        return getattr(self, endpoint)(form)

    def metadata(self, _form):
        settings = SETTINGS[self.name]
        xml = settings.get_sp_metadata()
        if faults := settings.validate_metadata(xml):
            return self.answer(str(faults), 500)
        return self.answer(xml, kind="application/samlmetadata+xml")

    def secret(self, _form):
        session = self.session()
        if not session or "name_id" not in session:
            address = f"http://localhost:{PORT}{self.path}"
            where = self.saml.login(return_to=address)
            return self.begin(where, {"request": self.saml.get_last_request_id()})
        shown = {key: session[key] for key in ("attributes", "name_id", "format", "session_index")}
        return self.answer(json.dumps({**shown, "query": self.query}), kind="application/json")

    def acs(self, form):
        self.saml.process_response(request_id=(self.session() or {}).get("request"))
        if faults := self.saml.get_errors():
            return self.answer(f"{faults}: {self.saml.get_last_error_reason()}", 403)
        learned = {
            "attributes": self.saml.get_attributes(),
            "name_id": self.saml.get_nameid(),
            "format": self.saml.get_nameid_format(),
            "name_qualifier": self.saml.get_nameid_nq(),
            "sp_name_qualifier": self.saml.get_nameid_spnq(),
            "session_index": self.saml.get_session_index(),
        }
        return self.begin(form["RelayState"], learned)

    def logout(self, _form):
        session = self.session()
        where = self.saml.logout(
            return_to=f"http://localhost:{PORT}/",
            name_id=session["name_id"],
            name_id_format=session["format"],
            nq=session["name_qualifier"],
            spnq=session["sp_name_qualifier"],
            session_index=session["session_index"],
        )
        session["logout_request"] = self.saml.get_last_request_id()
        return self.redirect(where)

    def sls(self, _form):
        if not (session := self.session()):
            return self.answer("nobody is signed in", 403)
        # What is not compared below ends no session; the toolkit alone would end any.
        where = self.saml.process_slo(keep_local_session=True)
        faults = self.saml.get_errors()
        is_request = "SAMLRequest" in first_of(self.query)
        if not faults:
            faults = self.differences(session) if is_request else self.wrong_answer(session)
        if faults:
            return self.answer(f"{faults}: {self.saml.get_last_error_reason()}", 403)
        self.forget()
        return self.redirect(where or first_of(self.query)["RelayState"])

    def differences(self, session):
        """What a LogoutRequest says otherwise of the person than the assertion did."""
        xml = self.saml.get_last_request_xml()
        named = OneLogin_Saml2_Logout_Request.get_nameid_data(xml)
        said = {
            "name_id": named["Value"],
            "format": named.get("Format"),
            "name_qualifier": named.get("NameQualifier"),
            "sp_name_qualifier": named.get("SPNameQualifier"),
        }
        faults = [f"{key}: {value}, not {session[key]}" for key, value in said.items() if value != session[key]]
        indexes = OneLogin_Saml2_Logout_Request.get_session_indexes(xml)
        if indexes != [session["session_index"]]:
            faults.append(f"session_index: {indexes}, not {session['session_index']}")
        return faults

    def wrong_answer(self, session):
        """The toolkit takes an answer without InResponseTo for one to any request."""
        answers = OneLogin_Saml2_XML.to_etree(self.saml.get_last_response_xml()).get("InResponseTo")
        asked = session.get("logout_request")
        return [] if asked and answers == asked else [f"InResponseTo: {answers}, not {asked}"]

    def session(self):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(f"sid-{self.name}")
        return SESSIONS.get(cookie.value) if cookie else None

    def forget(self):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(f"sid-{self.name}")
        if cookie:
            SESSIONS.pop(cookie.value, None)

    def begin(self, where, session):
        sid = secrets.token_hex(16)
        SESSIONS[sid] = session
        return self.redirect(where, f"sid-{self.name}={sid}; Path=/; HttpOnly")

    def redirect(self, where, cookie=None):
        self.send_response(303)
        self.send_header("Location", where)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()

    def answer(self, text, status=200, kind="text/plain"):
        body = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def first_of(query):
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


ThreadingHTTPServer(("127.0.0.1", PORT), Application).serve_forever()

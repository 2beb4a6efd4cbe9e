#!/usr/bin/env python3
"""Writes the unsigned hostile fixtures beside it: `python3 tests/data/hostile/make.py`.

Each is an AuthnRequest with one fault. What is wrong with it, and the error that it must meet, stands in
tests/it/saml/hostile/documents.rs under the same name. Signed attacks are made by tests/it/saml/hostile/forge.rs,
because their keys are made anew in each run.
"""
import pathlib

HERE = pathlib.Path(__file__).parent
NS = 'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
GOOD = (f'<samlp:AuthnRequest {NS} ID="_1" Version="2.0" IssueInstant="2026-01-02T03:04:05Z">'
        '<saml:Issuer>https://sp.example</saml:Issuer></samlp:AuthnRequest>')
END = '</samlp:AuthnRequest>'
ISSUER = '<saml:Issuer>https://sp.example</saml:Issuer>'


def put(name, content):
    data = content if isinstance(content, bytes) else content.encode()
    (HERE / name).write_bytes(data)


def xml(name, content):
    put(f'xml/{name}.xml', content)


def message(name, old, new):
    assert old in GOOD, old
    put(f'message/{name}.xml', GOOD.replace(old, new))


def extended(inside):
    return GOOD.replace(END, inside + END)


laughs = ''.join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
xml('doctype', '<!DOCTYPE a>' + GOOD)
xml('entity_bomb', f'<!DOCTYPE a [<!ENTITY l0 "lol">{laughs}]>' + GOOD.replace('https://sp.example', '&l9;'))
xml('quadratic_entity', f'<!DOCTYPE a [<!ENTITY q "{"q" * 50000}">]>' + GOOD.replace('https://sp.example', '&q;' * 5000))
xml('external_entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + GOOD.replace('https://sp.example', '&x;'))
xml('parameter_entity', '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]>' + GOOD)
xml('unknown_entity', GOOD.replace('https://sp.example', '&nbsp;'))
xml('processing_instruction', extended('<?php system("id"); ?>'))
xml('stylesheet', '<?xml-stylesheet href="http://127.0.0.1/x.xsl" type="text/xsl"?>' + GOOD)
xml('instruction_after_root', GOOD + '<?x?>')
xml('utf_16', GOOD.encode('utf-16'))
xml('utf_16_declared', '<?xml version="1.0" encoding="UTF-16"?>' + GOOD)
xml('utf_7_declared', '<?xml version="1.0" encoding="UTF-7"?>' + GOOD)
xml('latin_1', GOOD.replace('sp.example', 'sp.éxample').encode('latin-1'))
xml('overlong_utf_8', GOOD.encode().replace(b'https:', b'https\xc0\xba'))
xml('surrogate', GOOD.encode().replace(b'https:', b'\xed\xa0\x80'))
xml('version_1_1', '<?xml version="1.1"?>' + GOOD)
xml('late_declaration', '\n<?xml version="1.0"?>' + GOOD)
xml('nul', GOOD.replace('sp.example', 'sp\0.example'))
xml('nul_reference', GOOD.replace('sp.example', 'sp&#0;.example'))
xml('control_character', GOOD.replace('sp.example', 'sp&#x8;.example'))
xml('signed_reference', GOOD.replace('sp.example', 'sp&#+46;example'))
xml('after_root', GOOD + 'x')
xml('after_root_and_nul', GOOD + '\0<x/>')
xml('second_root', GOOD + GOOD)
xml('before_root', 'x' + GOOD)
xml('cdata_after_root', GOOD + '<![CDATA[ ]]>')
xml('truncated', GOOD[:-3])
xml('empty', '')
xml('only_a_comment', '<!-- x -->')
xml('deep', extended('<x>' * 64 + '</x>' * 64))
xml('many_elements', extended('<x/>' * 1000))
xml('many_attributes', extended('<x ' + ' '.join(f'a{n}=""' for n in range(65)) + '/>'))
xml('many_namespaces', extended('<x ' + ' '.join(f'xmlns:a{n}="urn:x"' for n in range(65)) + '/>'))
xml('large', extended('<x>' + ' ' * (128 * 1024) + '</x>'))
xml('relative_namespace', extended('<x xmlns="relative"/>'))
xml('relative_namespace_prefixed', extended('<p:x xmlns:p="../relative"/>'))
xml('undeclared_prefix', extended('<p:x/>'))
xml('rebound_xml_prefix', extended('<x xmlns:xml="urn:x"/>'))
xml('undeclaring_prefix', extended('<p:x xmlns:p=""/>'))
xml('attribute_twice', GOOD.replace('ID="_1"', 'ID="_1" ID="_2"'))
xml('attribute_twice_by_namespace', extended('<x xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2"/>'))
xml('two_colons', extended('<a:b:c/>'))
xml('mismatched_tags', GOOD.replace(END, '</samlp:Authnrequest>'))
xml('less_than_in_attribute', GOOD.replace('"_1"', '"<"'))
xml('attributes_without_space', GOOD.replace('"_1" ', '"_1"'))
xml('cdata_end_in_text', GOOD.replace('sp.example', ']]>'))
xml('double_hyphen_in_comment', extended('<!-- a -- b -->'))

message('response_for_a_request', 'AuthnRequest', 'Response')
message('other_namespace', 'SAML:2.0:protocol', 'SAML:1.0:protocol')
message('version_1_1', 'Version="2.0"', 'Version="1.1"')
message('no_version', 'Version="2.0" ', '')
message('no_id', 'ID="_1" ', '')
message('empty_id', 'ID="_1"', 'ID=""')
message('long_id', 'ID="_1"', f'ID="{"a" * 257}"')
message('id_with_blank', 'ID="_1"', 'ID="_1 _2"')
message('id_with_markup', 'ID="_1"', 'ID="&lt;script&gt;"')
message('id_with_line_feed', 'ID="_1"', 'ID="_1&#10;"')
message('id_beyond_ascii', 'ID="_1"', 'ID="_é"')
INSTANT = '2026-01-02T03:04:05Z'
for name, value in {
    'empty': '', 'word': 'now', 'date': '2026-01-02', 'month_13': '2026-13-02T03:04:05Z', 'blank': '2026-01-02 03:04:05Z',
    'no_seconds': '2026-01-02T03:04Z', 'no_minutes': '2026-01-02T03Z', 'basic': '20260102T030405Z',
    'named_zone': '2026-01-02T03:04:05+09:00[Asia/Tokyo]', 'comma': '2026-01-02T03:04:05,5Z', 'hour_25': '2026-01-02T25:04:05Z',
    'offset_25': '2026-01-02T03:04:05+25:00', 'digits': '1767323045', 'far_year': '999999-01-02T03:04:05Z',
    'trailing': '2026-01-02T03:04:05Zx',
}.items():
    message(f'instant_{name}', INSTANT, value)
message('no_issuer', ISSUER, '')
message('empty_issuer', 'https://sp.example', ' ')
message('second_issuer', ISSUER, ISSUER + '<saml:Issuer>https://evil.example</saml:Issuer>')
message('issuer_with_element', 'https://sp.example', 'https://sp.example<x/>')
message('issuer_of_other_format', '<saml:Issuer>', '<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">')
message('long_issuer', 'https://sp.example', 'https://' + 'a' * 1017)
message('issuer_of_other_namespace', ISSUER, '<samlp:Issuer>https://sp.example</samlp:Issuer>')
message('force_authn_maybe', 'ID="_1"', 'ID="_1" ForceAuthn="maybe"')
message('passive_TRUE', 'ID="_1"', 'ID="_1" IsPassive="TRUE"')
message('index_too_large', 'ID="_1"', 'ID="_1" AssertionConsumerServiceIndex="65536"')
message('index_negative', 'ID="_1"', 'ID="_1" AssertionConsumerServiceIndex="-1"')
message('two_policies', END, '<samlp:NameIDPolicy/><samlp:NameIDPolicy/>' + END)
message('two_subjects', END, '<saml:Subject/><saml:Subject/>' + END)
message('subject_clear_and_encrypted', END, '<saml:Subject><saml:NameID>a</saml:NameID><saml:EncryptedID/></saml:Subject>' + END)
message('subject_of_another_kind', END, '<saml:Subject><saml:BaseID/><saml:NameID>a</saml:NameID></saml:Subject>' + END)
message('two_contexts', END, '<samlp:RequestedAuthnContext/><samlp:RequestedAuthnContext/>' + END)
message('comparison_unknown', END, '<samlp:RequestedAuthnContext Comparison="worse"/>' + END)
message('two_name_ids', END, '<saml:Subject><saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID></saml:Subject>' + END)
message('service_index_too_large', 'ID="_1"', 'ID="_1" AttributeConsumingServiceIndex="65536"')
message('service_index_word', 'ID="_1"', 'ID="_1" AttributeConsumingServiceIndex="first"')
CONFIRMED = '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/>'
message('subject_confirmed', END, f'<saml:Subject><saml:NameID>a</saml:NameID>{CONFIRMED}</saml:Subject>' + END)
message('subject_confirmed_alone', END, f'<saml:Subject>{CONFIRMED}</saml:Subject>' + END)

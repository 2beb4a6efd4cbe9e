"""Decrypts the first EncryptedData of each document with a newer libxmlsec1 than Debian 12 has, and writes them one after
the other with a NUL behind each: xmlenc.py KEY DOCUMENT...
"""

import sys

import xmlsec
from lxml import etree

key, *documents = sys.argv[1:]
manager = xmlsec.KeysManager()
manager.add_key(xmlsec.Key.from_file(key, xmlsec.constants.KeyDataFormatPem))
for document in documents:
    root = etree.parse(document).getroot()
    data = root.find(".//{http://www.w3.org/2001/04/xmlenc#}EncryptedData")
    xmlsec.EncryptionContext(manager).decrypt(data)
    sys.stdout.buffer.write(etree.tostring(root, encoding="UTF-8") + b"\0")

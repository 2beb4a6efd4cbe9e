#!/bin/sh
# Makes the fixtures of this folder: metadata as the common service providers write it, and files that must be refused.
# Run it here; the keys are thrown away, so every run gives other certificates.
set -eu
cd "$(dirname "$0")"
mkdir -p hostile

certificate() { # algorithm options...
    openssl req -x509 -nodes -keyout /dev/null -days 9000 -subj "/CN=sp.example.org" "$@" 2>/dev/null |
        grep -v -- -----
}
rsa=$(certificate -newkey rsa:2048)
ec=$(certificate -newkey ec -pkeyopt ec_paramgen_curve:P-256)
weak=$(certificate -newkey rsa:1024)
md='xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
ds='xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
saml2='protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"'
bindings='urn:oasis:names:tc:SAML:2.0:bindings'

key() { # use-attribute certificates...
    echo "<md:KeyDescriptor $1><ds:KeyInfo $ds>"
    shift
    for c in "$@"; do printf '<ds:X509Data><ds:X509Certificate>\n  %s\n</ds:X509Certificate></ds:X509Data>\n' "$c"; done
    echo "</ds:KeyInfo></md:KeyDescriptor>"
}
acs() { # index location
    echo "<md:AssertionConsumerService Binding=\"$bindings:HTTP-POST\" Location=\"$2\" index=\"$1\"/>"
}
sp() { # entityID inside
    echo "<md:EntityDescriptor $md entityID=\"$1\"><md:SPSSODescriptor $saml2>$2</md:SPSSODescriptor></md:EntityDescriptor>"
}

cat > mellon.xml <<X
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<EntityDescriptor entityID="https://mellon.example.org/mellon/metadata" xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
                  xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
 <SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" $saml2>
   <KeyDescriptor use="signing">
     <ds:KeyInfo>
       <ds:X509Data><ds:X509Certificate>$rsa</ds:X509Certificate></ds:X509Data>
     </ds:KeyInfo>
   </KeyDescriptor>
   <KeyDescriptor use="encryption">
     <ds:KeyInfo>
       <ds:X509Data><ds:X509Certificate>$rsa</ds:X509Certificate></ds:X509Data>
     </ds:KeyInfo>
   </KeyDescriptor>
   <SingleLogoutService Binding="$bindings:SOAP" Location="https://mellon.example.org/mellon/logout" />
   <SingleLogoutService Binding="$bindings:HTTP-Redirect" Location="https://mellon.example.org/mellon/logout" />
   <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</NameIDFormat>
   <AssertionConsumerService index="0" isDefault="true" Binding="$bindings:HTTP-POST"
      Location="https://mellon.example.org/mellon/postResponse" />
   <AssertionConsumerService index="1" Binding="$bindings:HTTP-Artifact"
      Location="https://mellon.example.org/mellon/artifactResponse" />
   <AssertionConsumerService index="2" Binding="$bindings:PAOS"
      Location="https://mellon.example.org/mellon/paosResponse" />
 </SPSSODescriptor>
</EntityDescriptor>
X

cat > shibboleth.xml <<X
<!-- This is example metadata only. -->
<md:EntityDescriptor $md $ds ID="_6e0a" entityID="https://portal.example.org/shibboleth" cacheDuration="PT1H">
  <md:Extensions xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport">
    <alg:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
    <alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
    <mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute">
      <saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category"
          NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
        <saml:AttributeValue>http://refeds.org/category/research-and-scholarship</saml:AttributeValue>
      </saml:Attribute>
    </mdattr:EntityAttributes>
  </md:Extensions>
  <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol">
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:1.0:profiles:browser-post" Location="https://portal.example.org/Shibboleth.sso/SAML/POST" index="1"/>
  </md:SPSSODescriptor>
  <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">
    <md:Extensions>
      <init:RequestInitiator xmlns:init="urn:oasis:names:tc:SAML:profiles:SSO:request-init" Binding="urn:oasis:names:tc:SAML:profiles:SSO:request-init" Location="https://portal.example.org/Shibboleth.sso/Login"/>
      <mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">
        <mdui:DisplayName xml:lang="en">Example Portal</mdui:DisplayName>
        <mdui:Logo height="60" width="80">https://portal.example.org/logo.png</mdui:Logo>
        <mdui:DisplayName xml:lang="ja">社内ポータル</mdui:DisplayName>
      </mdui:UIInfo>
    </md:Extensions>
    <md:KeyDescriptor>
      <ds:KeyInfo>
        <ds:KeyName>sp.example.org</ds:KeyName>
        <ds:X509Data>
          <ds:X509SubjectName>CN=sp.example.org</ds:X509SubjectName>
          <ds:X509Certificate>$rsa</ds:X509Certificate>
        </ds:X509Data>
        <ds:X509Data><ds:X509Certificate>$ec</ds:X509Certificate></ds:X509Data>
      </ds:KeyInfo>
      <md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"/>
      <md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>
    </md:KeyDescriptor>
    <md:ArtifactResolutionService Binding="$bindings:SOAP" Location="https://portal.example.org/Shibboleth.sso/Artifact/SOAP" index="0"/>
    <md:SingleLogoutService Binding="$bindings:SOAP" Location="https://portal.example.org/Shibboleth.sso/SLO/SOAP"/>
    <md:SingleLogoutService Binding="$bindings:HTTP-POST" Location="https://portal.example.org/Shibboleth.sso/SLO/POST" ResponseLocation="https://portal.example.org/Shibboleth.sso/SLO/Done"/>
    <md:AssertionConsumerService Binding="$bindings:HTTP-POST" Location="https://portal.example.org/Shibboleth.sso/SAML2/POST" index="1"/>
    <md:AssertionConsumerService Binding="$bindings:HTTP-POST-SimpleSign" Location="https://portal.example.org/Shibboleth.sso/SAML2/POST-SimpleSign" index="2"/>
    <md:AttributeConsumingService index="1">
      <md:ServiceName xml:lang="en">Portal service</md:ServiceName>
      <md:RequestedAttribute FriendlyName="mail" Name="urn:oid:0.9.2342.19200300.100.1.3" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" isRequired="true"/>
      <md:RequestedAttribute FriendlyName="eduPersonPrincipalName" Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.6" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"/>
      <md:RequestedAttribute Name="displayName"/>
    </md:AttributeConsumingService>
    <unknown:Element xmlns:unknown="https://example.org/unknown"><unknown:Inside/></unknown:Element>
    <md:NameIDFormat>
      urn:oasis:names:tc:SAML:2.0:nameid-format:persistent
    </md:NameIDFormat>
  </md:SPSSODescriptor>
  <md:Organization>
    <md:OrganizationName xml:lang="en">Example Inc.</md:OrganizationName>
    <md:OrganizationDisplayName xml:lang="ja">例株式会社</md:OrganizationDisplayName>
    <md:OrganizationURL xml:lang="en">https://example.org/</md:OrganizationURL>
  </md:Organization>
</md:EntityDescriptor>
X

cat > simplesamlphp.xml <<X
<?xml version="1.0"?>
<md:EntityDescriptor $md $ds entityID="https://app.example.org/simplesaml/module.php/saml/sp/metadata.php/default-sp" validUntil="2026-01-03T00:00:00Z" cacheDuration="PT604800S">
  <md:SPSSODescriptor AuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">
    $(key 'use="signing"' "$rsa")
    $(key 'use="signing"' "$weak")
    <md:SingleLogoutService Binding="$bindings:HTTP-Redirect" Location="https://app.example.org/simplesaml/module.php/saml/sp/saml2-logout.php/default-sp"/>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    $(acs 0 https://app.example.org/simplesaml/module.php/saml/sp/saml2-acs.php/default-sp)
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:1.0:profiles:browser-post" Location="https://app.example.org/simplesaml/module.php/saml/sp/saml1-acs.php/default-sp" index="1"/>
  </md:SPSSODescriptor>
  <md:ContactPerson contactType="technical">
    <md:GivenName>Administrator</md:GivenName>
    <md:EmailAddress>mailto:na@example.org</md:EmailAddress>
  </md:ContactPerson>
</md:EntityDescriptor>
X

cat > salesforce.xml <<X
<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor $md $ds entityID="https://example.my.salesforce.com" validUntil="2036-06-01T00:00:00.000Z">
   <md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" $saml2>
      $(key 'use="signing"' "$rsa")
      <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>
      <md:AssertionConsumerService Binding="$bindings:HTTP-POST" Location="https://example.my.salesforce.com?so=00D28000000abcd" index="0" isDefault="true"/>
   </md:SPSSODescriptor>
</md:EntityDescriptor>
X

cat > google.toml <<X
entity_id = "google.com/a/example.co.jp"
entity_id_aliases = ["google.com"]
acs = ["https://www.google.com/a/example.co.jp/acs"]
name = "Google Workspace"
name_id_format = "emailAddress"
attributes = []
X

{ printf '<?xml version="1.0" encoding="utf-16"?>\r\n'
  cat <<X | tr -d '\n'
<EntityDescriptor ID="_5cd1" entityID="http://fs.example.co.jp/adfs/services/trust" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">
<RoleDescriptor xsi:type="fed:ApplicationServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" ServiceDisplayName="例のADFS" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706"/>
<SPSSODescriptor WantAssertionsSigned="true" $saml2>
<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>$(echo "$rsa" | tr -d '\n')</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<SingleLogoutService Binding="$bindings:HTTP-POST" Location="https://fs.example.co.jp/adfs/ls/"/>
<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>
<AssertionConsumerService Binding="$bindings:HTTP-POST" Location="https://fs.example.co.jp/adfs/ls/" index="0" isDefault="true"/>
</SPSSODescriptor><IDPSSODescriptor $saml2><SingleSignOnService Binding="$bindings:HTTP-POST" Location="https://fs.example.co.jp/adfs/ls/"/></IDPSSODescriptor></EntityDescriptor>
X
} | { printf '\377\376'; iconv -f UTF-8 -t UTF-16LE; } > adfs.xml

{ echo "<md:EntitiesDescriptor $md Name=\"federation\" validUntil=\"2030-01-01T00:00:00Z\">"
  sp https://one.example.org/sp "$(acs 1 https://one.example.org/acs)"
  echo '<md:EntitiesDescriptor validUntil="2027-01-01T00:00:00Z">'
  sp https://two.example.org/sp "$(acs 1 https://two.example.org/acs)"
  echo '</md:EntitiesDescriptor>'
  echo "<md:EntityDescriptor entityID=\"https://idp.example.net/\"><md:IDPSSODescriptor $saml2><md:SingleSignOnService Binding=\"$bindings:HTTP-Redirect\" Location=\"https://idp.example.net/sso\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
  echo '</md:EntitiesDescriptor>'
} > aggregate.xml

cd hostile
{ echo '<!DOCTYPE md [<!ENTITY x SYSTEM "file:///etc/passwd">]>'; sp https://dtd.example.org/ "$(acs 0 https://dtd.example.org/acs)"; } > doctype.xml
sp https://js.example.org/ "$(acs 0 'javascript:alert(document.cookie)')" > javascript.xml
sp https://js-slo.example.org/ "<md:SingleLogoutService Binding=\"$bindings:HTTP-POST\" Location=\"https://js-slo.example.org/slo\" ResponseLocation=\"javascript:alert(1)\"/>$(acs 0 https://js-slo.example.org/acs)" > javascript-slo.xml
sp https://http.example.org/ "$(acs 0 http://http.example.org/acs)" > http.xml
sp https://twice.example.org/ "$(acs 0 https://twice.example.org/a)$(acs 0 https://twice.example.org/b)" > duplicate-index.xml
sp https://index.example.org/ "$(acs 65536 https://index.example.org/acs)" > index.xml
sp https://until.example.org/ "$(acs 0 https://until.example.org/acs)" | sed 's/ entityID/ validUntil="soon" entityID/' > valid-until.xml
sp https://key.example.org/ "$(key 'use="signing"' 'paste the certificate here')$(acs 0 https://key.example.org/acs)" > certificate.xml
sp '' "$(acs 0 https://nameless.example.org/acs)" > no-entity-id.xml
sp 'https://lines.example.org/&#10;ERROR forged' "$(acs 0 https://lines.example.org/acs)" > control-character.xml
sp https://saml1.example.org/ "$(acs 0 https://saml1.example.org/acs)" | sed 's/2.0:protocol/1.1:protocol/' > saml1.xml
sp https://location.example.org/ "<md:AssertionConsumerService Binding=\"$bindings:HTTP-POST\" index=\"0\"/>" > no-location.xml
echo "<md:EntityDescriptor $md entityID=\"https://idp.example.net/\"><md:IDPSSODescriptor $saml2/></md:EntityDescriptor>" > idp.xml
head -n 12 ../shibboleth.xml > truncated.xml
echo '<html><head><title>Please sign in</title></head><body></body></html>' > web-page.xml

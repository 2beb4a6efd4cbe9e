#!/bin/sh
# Makes a Debian 12 machine ready: `setup.sh demo` for building and the demo, `setup.sh test` for tests and bench.
# Installs what is missing, and nothing when nothing is. Without root and sudo it prints the one line to run.
set -eu

demo_packages="gcc libc6-dev libssl-dev pkg-config"
# samael, one of the judges in the tests, is built on libxmlsec1; the others are run as they are.
test_packages="$demo_packages \
    curl libclang-dev libltdl-dev libxml2-dev libxml2-utils python3 python3-venv libxmlsec1-dev libxmlsec1-openssl openssl procps util-linux xmlsec1 \
    ldap-utils slapd slapd-contrib postgresql \
    krb5-user libkrb5-dev samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind \
    opensaml-schemas xmltooling-schemas shibboleth-sp-common \
    apache2 libapache2-mod-auth-gssapi libapache2-mod-auth-mellon libapache2-mod-shib shibboleth-sp-utils \
    php-cli php-ldap php-soap php-sqlite3 php-xml simplesamlphp \
    chromium chromium-driver fonts-noto-cjk"
# A service provider, and a newer libxmlsec1 than Debian 12 has. lxml and xmlsec must hold the same libxml2: these do.
# And a SCIM service; scim2-models checks what it is sent, so its version matters too.
python_packages="python3-saml==1.16.0 isodate==0.7.2 lxml==6.1.3 xmlsec==1.3.17 \
    scim2-server==0.8.3 scim2-models==0.12.3 pydantic==2.14.4"
python=$(dirname "$0")/../target/python
# Another SCIM service.
node_packages="express@5.3.0 scimmy@1.3.5 scimmy-routers@1.3.2"
node=$(dirname "$0")/../target/node
policy=/usr/sbin/policy-rc.d

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

check_cargo() {
    rustup="Install Rust with rustup (https://rustup.rs): curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    command -v cargo > /dev/null || stop "sekisho is built with cargo, which is not here." "$rustup"
    version=$(cargo --version | cut -d ' ' -f 2)
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    if [ "$major" -eq 1 ] && [ "$minor" -lt 94 ]; then
        stop "sekisho needs Rust 1.94 or newer; this is cargo $version, as Debian ships it." "$rustup"
    fi
}

missing() {
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)
        [ "$state" = installed ] || printf '%s ' "$package"
    done
}

# Runs a command as root, or stops with the line that an administrator has to run.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        stop "These packages are missing, and installing them takes root:" "" \
            "    apt-get update && apt-get install --no-install-recommends -y $wanted"
    fi
}

# slapd, Samba, PostgreSQL and apache2 are started by the tests, each with a folder of its own; Debian must not start them by itself.
forbid_daemons() {
    [ -e "$policy" ] && return
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
    trap 'as_root rm -f $policy' EXIT
    trap 'exit 1' INT TERM
}

install_packages() {
    # shellcheck disable=SC2086 # a list of words
    wanted=$(missing $packages)
    wanted=${wanted% }
    [ -n "$wanted" ] || return 0
    if ! command -v apt-get > /dev/null; then
        echo "This is not Debian, so nothing was installed. What Debian would need: $wanted" >&2
        return 0
    fi
    forbid_daemons
    as_root apt-get -qq update
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $wanted
}

# Python packages in a folder of their own below target/, made anew when the list changes.
install_python() {
    [ "$(cat "$python/installed" 2> /dev/null)" = "$python_packages" ] && return
    system=/usr/bin/python3
    [ -x "$system" ] || system=python3
    rm -rf "$python"
    "$system" -m venv "$python"
    # shellcheck disable=SC2086
    "$python/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: $python_packages
    "$python/bin/python" -c 'import onelogin.saml2.auth'
    echo "$python_packages" > "$python/installed"
}

# Node packages in a folder of their own below target/, made anew when the list changes.
install_node() {
    [ "$(cat "$node/installed" 2> /dev/null)" = "$node_packages" ] && return
    rm -rf "$node"
    mkdir -p "$node"
    # shellcheck disable=SC2086
    npm install --prefix "$node" --no-save --ignore-scripts --no-audit --no-fund --silent $node_packages
    echo "$node_packages" > "$node/installed"
}

case "${1:-}" in
    demo) packages=$demo_packages ;;
    test)
        packages=$test_packages
        # A node from elsewhere brings its own npm, beside which Debian's cannot be installed.
        command -v npm > /dev/null || packages="$packages nodejs npm"
        ;;
    *) stop "usage: setup.sh demo | test" ;;
esac
check_cargo
install_packages
if [ "$1" = test ]; then
    install_python
    install_node
fi

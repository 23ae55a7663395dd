#!/usr/bin/env bash
# Builds the container file and runs the image where no registry can be reached: a fresh Debian
# (debootstrap) stands in for the Python base image, buildah builds in a chroot. Needs root,
# buildah and debootstrap; 3 GB. The steps are those of the file, in their order.
#
#   packaging/try_container.sh WORK_FOLDER [OPTIONS OF buildah build ...]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mkdir -p "$1" && cd "$1" && pwd)
shift
export STORAGE_DRIVER=vfs
buildah=(buildah --root "$work/images" --runroot "$work/run")

if [ ! -d "$work/base/usr/share/python3" ]; then
  debootstrap --variant=minbase --include=python3-venv,python-is-python3,ca-certificates \
    bookworm "$work/base"
fi
for image in $(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$root/packaging/Containerfile" | sort -u); do
  if "${buildah[@]}" inspect --type image "$image" >/dev/null 2>&1; then continue; fi
  container=$("${buildah[@]}" from scratch)
  "${buildah[@]}" add --quiet "$container" "$work/base" /
  "${buildah[@]}" commit --quiet --rm "$container" "$image"
done
"${buildah[@]}" build --isolation chroot --pull-never --format docker "$@" \
  -f "$root/packaging/Containerfile" -t apexbeat "$root"
container=$("${buildah[@]}" from --pull-never apexbeat)
"${buildah[@]}" run --isolation chroot "$container" -- apexbeat --version
"${buildah[@]}" run --isolation chroot -v "$root/recordings:/data:ro" "$container" -- \
  apexbeat replay /data/normal.wav
"${buildah[@]}" rm "$container" >/dev/null

# Fills $TARGET with the objects below $SOURCE. `aws s3 sync` passes over files that have the object's size and time; a second
# one must find nothing to do. Where the prefix has a file SHA256SUMS, it is checked. The folder gets its name last.
set -eu
check() {
  # Its error says why. Without an answer nothing is known, neither that the folder is complete nor that it is another's.
  left=$(aws s3 sync "$SOURCE" "$1" --exact-timestamps --dryrun) || exit 1
  if [ -n "$left" ]; then
    echo "$left" >&2
    return 1
  fi
  [ -f "$1/SHA256SUMS" ] || return 0
  (cd "$1" && sha256sum --check --quiet SHA256SUMS)
}
if [ -n "$(ls -A "$TARGET" 2>/dev/null)" ]; then
  check "$TARGET" || { echo "$TARGET holds something else than $SOURCE: name another folder, or remove this one" >&2; exit 1; }
  exit 0
fi
partial=$TARGET.partial
mkdir -p "$partial"
# --delete removes what a killed download left.
aws s3 sync "$SOURCE" "$partial" --exact-timestamps --delete --no-progress
[ -n "$(ls -A "$partial")" ] || { echo "there is nothing below $SOURCE" >&2; exit 1; }
if ! check "$partial"; then
  # The next attempt fetches what fails the check again.
  (cd "$partial" && sha256sum --check SHA256SUMS 2>/dev/null | sed -n 's/: FAILED.*//p' | while read -r file; do rm -f "$file"; done)
  exit 1
fi
sync
mv -T "$partial" "$TARGET"

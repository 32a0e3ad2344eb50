# Fills $TARGET with commit $REVISION of $REPOSITORY. hf passes over files that are complete, and `hf cache verify` compares the
# SHA-256 of each with the hub's. The folder gets its name last.
set -eu
check() {
  said=$(hf cache verify "$REPOSITORY" --revision "$REVISION" --local-dir "$1" --fail-on-missing-files) && return 0
  echo "$said"
  # One line for each file that differs or is missing (verify in huggingface_hub/cli/cache.py). Without any there was no answer, and
  # nothing is known, neither that the folder is complete nor that it is another's.
  wrong=$(echo "$said" | sed -n 's/^  - //p')
  [ -n "$wrong" ] || exit 1
  echo "$wrong" | grep -qv '^original/' && return 1
  echo "Only original/ is missing, which vLLM doesn't load: $1 is complete."
}
if [ -n "$(ls -A "$TARGET" 2>/dev/null)" ]; then
  check "$TARGET" || { echo "$TARGET holds something else than $REPOSITORY at $REVISION: name another folder, or remove this one" >&2; exit 1; }
  exit 0
fi
partial=$TARGET.partial
mkdir -p "$partial"
# What a killed download left; hf takes up none of them (_download_to_tmp_and_move).
find "$partial/.cache" -name '*.incomplete' -delete 2>/dev/null || true
# original/ is what vLLM doesn't load (ignore_patterns in vllm/config/load.py).
hf download "$REPOSITORY" --revision "$REVISION" --local-dir "$partial" --exclude 'original/*'
if ! check "$partial"; then
  # Without its notes hf hashes the files that are there, and fetches those that differ.
  rm -rf "$partial/.cache"
  exit 1
fi
sync
mv -T "$partial" "$TARGET"

#!/bin/sh
# Secrets as files: NAME_FILE=/run/secrets/x sets NAME to the content of that file, then the command runs.
set -eu
for name in GOLDSPAN_SERVE_TOKEN GOLDSPAN_MASKING_KEY LABEL_STUDIO_API_KEY; do
  eval "file=\${${name}_FILE:-}"
  if [ -n "$file" ]; then
    value=$(cat "$file")
    export "$name=$value"
    unset "${name}_FILE"
  fi
done
exec "$@"

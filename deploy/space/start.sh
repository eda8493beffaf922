#!/bin/sh
# Serve patterns, and before them the model that GOLDSPAN_MODEL names.
set -eu
predictor=regex
if [ -n "${GOLDSPAN_MODEL:-}" ]; then
  goldspan hub download-model model --repo-id "$GOLDSPAN_MODEL" --key "${GOLDSPAN_MODEL_KEY:?the fingerprint of who signed it}"
  predictor=regex+model
fi
exec goldspan serve --predictor "$predictor" --host 0.0.0.0 --port 7860 --allow-host "${SPACE_HOST:-localhost}"

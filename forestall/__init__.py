"""The night: sources, jobs, staffing, outreach, publishing, pages, and what runs and keeps it."""

import gc
import os

# Libraries that would phone home are told not to, before any of them is imported.
for _switch, _off in {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SCARF_NO_ANALYTICS": "true",
}.items():
    os.environ.setdefault(_switch, _off)

# Threads of LightGBM that wait for one another sleep instead of spinning: on a busy machine spinning is
# many times slower. Read once, when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# What a night loads and builds (libraries, dbt's manifest) stays to its end. Python's collector would walk over it
# again after every 700 new objects, a fifth of the time that imports take.
gc.set_threshold(50_000)

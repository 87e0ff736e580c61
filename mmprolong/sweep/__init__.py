"""From an ablation file to finished steps: spec, plan, launch, status."""

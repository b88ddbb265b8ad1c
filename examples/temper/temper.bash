# SPDX-License-Identifier: Apache-2.0
# Completion of the temper program for bash.
_temper() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="generate replay info tokenize schedule score evaluate bench verify --help --version"
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $before in
    -s | --schedule) words="quench flat block slide slide-jump hybrid slide-official" ;;
    --sampler) words="ancestral acs greedy analytic remask remdm first-hitting confidence threshold entropy-bound gibbs renoise self-correct edit" ;;
    --remdm-rule) words="cap rescale conf loop" ;;
    --order) words="probability filtered margin entropy random position" ;;
    --count) words="even floor" ;;
    --end-rule) words="free never last" ;;
    --canvas | --align) words="on off" ;;
    --approximate) words="prefix dual" ;;
    --noise) words="absorbing uniform epsilon gamma gidd" ;;
    --clock) words="linear log-linear geometric cosine" ;;
    --grid) words="even official dream" ;;
    --backend) words="auto cpu onednn openblas reference" ;;
    --context) words="causal block-causal full" ;;
    --window-attention) words="full causal block" ;;
    --storage) words="auto f32 bf16" ;;
    --shape) words="hdlm-base gpt2-124m tiny" ;;
    --groups) words="rows schedules cache sampling samplers" ;;
    -m | --model | --write) COMPREPLY=($(compgen -d -- "$word")); return ;;
    -f | --file | --edit | --weights | --trace | --save | --resume | --prompt-file | --svg | --png | --load-backend) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $command in
    generate) words="--prompt-file --length --rows --seed --infill --blank --edit --noise-level --weights --watch --delay --json --provenance --stats --ids --no-special --parse-special --no-prompt --schedule --width --levels --sampler --temperature --top-k --top-p --min-p --typical-p --eta --zeta --remdm-rule --t-on --t-off --alpha-on --order --order-temperature --count --threshold --factor --entropy-bound --corrector-steps --corrector-positions --edit-threshold --extra-steps --patience --stop-stable --stop-entropy --end-rule --compat --repetition-penalty --frequency-penalty --presence-penalty --penalty-window --min-length --bias --ban --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --guidance --unconditional --no-cache --sliding-context --ignore-end --end-token --skip-idle --prefill-rows --canvas --align --look-ahead --approximate --refresh --measure-cache --trace --stop-after --save --resume --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help" ;;
    replay) words="--show --delay --no-prompt --model --backend --threads --load-backend --verbose --help" ;;
    info) words="--backends --rows --length --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help" ;;
    tokenize) words="--file --model --decode --ids --count --json --add-special --parse-special --skip-special --help" ;;
    schedule) words="--schedule --width --levels --length --all --plain --svg --png --json --help" ;;
    score) words="--split --documents --length --stride --windows --prefix --no-begin --ids --parse-special --per-token --json --samples --replicates --batch --no-cache --seed --schedule --width --levels --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help" ;;
    evaluate) words="--texts --split --judge --length --rows --seed --ignore-end --json --samples --replicates --batch --no-cache --schedule --width --levels --sampler --temperature --top-k --top-p --min-p --typical-p --eta --zeta --remdm-rule --t-on --t-off --alpha-on --order --order-temperature --count --threshold --factor --entropy-bound --corrector-steps --corrector-positions --edit-threshold --extra-steps --patience --stop-stable --stop-entropy --end-rule --compat --repetition-penalty --frequency-penalty --presence-penalty --penalty-window --min-length --bias --ban --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help" ;;
    bench) words="--shape --groups --rows --cached --length --cache-length --min-time --turns --write --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help" ;;
    verify) words="--tolerance --case --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help" ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *)
      case $command in
        schedule) COMPREPLY=($(compgen -W "quench flat block slide slide-jump hybrid slide-official" -- "$word")) ;;
        *) COMPREPLY=($(compgen -f -- "$word")) ;;
      esac
      ;;
  esac
}
complete -o filenames -F _temper temper

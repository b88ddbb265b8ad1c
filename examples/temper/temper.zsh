#compdef temper
# SPDX-License-Identifier: Apache-2.0
# Completion of the temper program for zsh.
_temper() {
  if (( CURRENT == 2 )); then
    compadd -- generate replay info tokenize schedule score evaluate bench verify --help --version
    return
  fi
  case ${words[CURRENT-1]} in
    -s|--schedule) compadd -- quench flat block slide slide-jump hybrid slide-official; return ;;
    --sampler) compadd -- ancestral acs greedy analytic remask remdm first-hitting confidence threshold entropy-bound gibbs renoise self-correct edit; return ;;
    --remdm-rule) compadd -- cap rescale conf loop; return ;;
    --order) compadd -- probability filtered margin entropy random position; return ;;
    --count) compadd -- even floor; return ;;
    --end-rule) compadd -- free never last; return ;;
    --canvas|--align) compadd -- on off; return ;;
    --approximate) compadd -- prefix dual; return ;;
    --noise) compadd -- absorbing uniform epsilon gamma gidd; return ;;
    --clock) compadd -- linear log-linear geometric cosine; return ;;
    --grid) compadd -- even official dream; return ;;
    --backend) compadd -- auto cpu onednn openblas reference; return ;;
    --context) compadd -- causal block-causal full; return ;;
    --window-attention) compadd -- full causal block; return ;;
    --storage) compadd -- auto f32 bf16; return ;;
    --shape) compadd -- hdlm-base gpt2-124m tiny; return ;;
    --groups) compadd -- rows schedules cache sampling samplers; return ;;
    -m|--model|--write) _path_files -/; return ;;
    -f|--file|--edit|--weights|--trace|--save|--resume|--prompt-file|--svg|--png|--load-backend) _files; return ;;
  esac
  if [[ ${words[CURRENT]} != -* ]]; then
    if [[ ${words[2]} == schedule ]]; then
      compadd -- quench flat block slide slide-jump hybrid slide-official
    else
      _files
    fi
    return
  fi
  case ${words[2]} in
    generate) compadd -- --prompt-file --length --rows --seed --infill --blank --edit --noise-level --weights --watch --delay --json --provenance --stats --ids --no-special --parse-special --no-prompt --schedule --width --levels --sampler --temperature --top-k --top-p --min-p --typical-p --eta --zeta --remdm-rule --t-on --t-off --alpha-on --order --order-temperature --count --threshold --factor --entropy-bound --corrector-steps --corrector-positions --edit-threshold --extra-steps --patience --stop-stable --stop-entropy --end-rule --compat --repetition-penalty --frequency-penalty --presence-penalty --penalty-window --min-length --bias --ban --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --guidance --unconditional --no-cache --sliding-context --ignore-end --end-token --skip-idle --prefill-rows --canvas --align --look-ahead --approximate --refresh --measure-cache --trace --stop-after --save --resume --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help ;;
    replay) compadd -- --show --delay --no-prompt --model --backend --threads --load-backend --verbose --help ;;
    info) compadd -- --backends --rows --length --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help ;;
    tokenize) compadd -- --file --model --decode --ids --count --json --add-special --parse-special --skip-special --help ;;
    schedule) compadd -- --schedule --width --levels --length --all --plain --svg --png --json --help ;;
    score) compadd -- --split --documents --length --stride --windows --prefix --no-begin --ids --parse-special --per-token --json --samples --replicates --batch --no-cache --seed --schedule --width --levels --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help ;;
    evaluate) compadd -- --texts --split --judge --length --rows --seed --ignore-end --json --samples --replicates --batch --no-cache --schedule --width --levels --sampler --temperature --top-k --top-p --min-p --typical-p --eta --zeta --remdm-rule --t-on --t-off --alpha-on --order --order-temperature --count --threshold --factor --entropy-bound --corrector-steps --corrector-positions --edit-threshold --extra-steps --patience --stop-stable --stop-entropy --end-rule --compat --repetition-penalty --frequency-penalty --presence-penalty --penalty-window --min-length --bias --ban --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help ;;
    bench) compadd -- --shape --groups --rows --cached --length --cache-length --min-time --turns --write --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help ;;
    verify) compadd -- --tolerance --case --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --tokens --storage --backend --threads --load-backend --verbose --help ;;
  esac
}
_temper "$@"

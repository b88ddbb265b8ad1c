#compdef temper
# SPDX-License-Identifier: Apache-2.0
# Completion of the temper program for zsh.
_temper() {
  if (( CURRENT == 2 )); then
    compadd -- generate info tokenize schedule bench verify --help --version
    return
  fi
  case ${words[CURRENT-1]} in
    -s|--schedule) compadd -- quench flat block slide slide-jump hybrid slide-official; return ;;
    --sampler) compadd -- ancestral acs greedy; return ;;
    --noise) compadd -- absorbing uniform epsilon gamma gidd; return ;;
    --clock) compadd -- linear log-linear geometric cosine; return ;;
    --grid) compadd -- even official; return ;;
    --backend) compadd -- auto onednn openblas reference; return ;;
    --context) compadd -- causal block-causal full; return ;;
    --window-attention) compadd -- full causal block; return ;;
    --storage) compadd -- auto f32 bf16; return ;;
    --shape) compadd -- hdlm-base gpt2-124m tiny; return ;;
    --groups) compadd -- rows schedules cache sampling; return ;;
    -m|--model|--write) _path_files -/; return ;;
    -f|--file|--prompt-file|--svg|--png|--load-backend) _files; return ;;
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
    generate) compadd -- --prompt-file --length --rows --seed --watch --delay --json --stats --ids --no-special --parse-special --no-prompt --schedule --width --levels --sampler --temperature --top-k --top-p --min-p --eta --noise --mix --clock --grid --e0 --sigma-min --sigma-max --terminal-clamp --no-cache --sliding-context --ignore-end --end-token --skip-idle --prefill-rows --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --storage --backend --threads --load-backend --verbose --help ;;
    info) compadd -- --backends --rows --length --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --storage --backend --threads --load-backend --verbose --help ;;
    tokenize) compadd -- --file --model --decode --ids --count --json --add-special --parse-special --skip-special --help ;;
    schedule) compadd -- --schedule --width --levels --length --all --plain --svg --png --json --help ;;
    bench) compadd -- --shape --groups --rows --cached --length --cache-length --min-time --turns --write --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --storage --backend --threads --load-backend --verbose --help ;;
    verify) compadd -- --tolerance --case --json --model --family --context --window-attention --shifted --noise-keys --mask-token --block --max-length --storage --backend --threads --load-backend --verbose --help ;;
  esac
}
_temper "$@"

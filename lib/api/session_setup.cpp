// SPDX-License-Identifier: Apache-2.0
// What a program says of a session before its first step: ids, prompts, single positions, guidance, its own functions.
#include "api/guard.h"
#include "api/session.h"

using temper::check_row;
using temper::guard;
using temper::Status;

extern "C" {

temper_status temper_session_set_row_id(temper_session *session, int32_t row, uint32_t id, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    return session->impl->setup(row).set_id(id);
  });
}

temper_status temper_session_prompt(temper_session *session, int32_t row, const int32_t *tokens, size_t count,
                                    temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL");
    return session->impl->setup(row).prompt({tokens, count});
  });
}

temper_status temper_session_fix(temper_session *session, int32_t row, const int64_t *positions, const int32_t *tokens,
                                 size_t count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(positions != nullptr || count == 0, "positions is NULL");
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL");
    return session->impl->setup(row).fix({positions, count}, {tokens, count});
  });
}

temper_status temper_session_draft(temper_session *session, int32_t row, const int32_t *tokens, const int32_t *levels,
                                   size_t count, int32_t flags, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL");
    TEMPER_REQUIRE(levels != nullptr || count == 0, "levels is NULL");
    TEMPER_REQUIRE((flags & ~TEMPER_DRAFT_AS_IT_IS) == 0, "unknown flags");
    return session->impl->setup(row).draft({tokens, count}, {levels, count}, (flags & TEMPER_DRAFT_AS_IT_IS) == 0);
  });
}

temper_status temper_session_weights(temper_session *session, int32_t row, const float *weights, size_t count,
                                     temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(weights != nullptr || count == 0, "weights is NULL");
    return session->impl->setup(row).weights({weights, count});
  });
}

temper_status temper_session_allow(temper_session *session, int32_t row, int64_t position, const int32_t *tokens,
                                   size_t count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL");
    return session->impl->setup(row).allow(position, {tokens, count});
  });
}

temper_status temper_session_guide(temper_session *session, double scale, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    TEMPER_REQUIRE(scale >= -1 && scale <= 100, "the scale of guidance must be -1 to 100");
    temper::SessionOptions options = session->impl->frame().options;
    options.guided = scale != 0;
    options.guidance = scale;
    return session->impl->set_options(options);
  });
}

temper_status temper_session_unconditional(temper_session *session, int32_t row, const int32_t *tokens, size_t count,
                                           temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL");
    return session->impl->setup(row).unconditional({tokens, count});
  });
}

temper_status temper_session_set_logits_fn(temper_session *session, temper_logits_fn function, void *user,
                                           temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    session->impl->hooks().logits = {function, user};
    return Status();
  });
}

temper_status temper_session_set_value_fn(temper_session *session, temper_value_fn function, void *user,
                                          int32_t candidates, double alpha, int32_t form, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    if (function == nullptr) return session->impl->set_value({}, 1, false);
    TEMPER_REQUIRE(candidates >= 1 && candidates <= 256, "candidates must be 1 to 256");
    TEMPER_REQUIRE(alpha >= 0 && alpha <= 1e300, "alpha must be 0 or more, and finite");
    TEMPER_REQUIRE(form == TEMPER_VALUE_DRAFT || form == TEMPER_VALUE_CLEAN, "unknown form of candidates");
    return session->impl->set_value({function, user, alpha}, candidates, form == TEMPER_VALUE_CLEAN);
  });
}

}  // extern "C"
